//! SMTP, as much as it takes to hand in a message.

use crate::prelude::*;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

pub struct Session(BufReader<TcpStream>);

impl Session {
    /// Connects, and leaves the greeting to be read by [`Session::expect`]: a
    /// client that speaks first is turned away.
    pub fn connect(server: SocketAddr) -> Result<Session> {
        let stream = TcpStream::connect(server).with_context(|| format!("no {server}"))?;
        stream.set_read_timeout(Some(LIMIT))?;
        Ok(Session(BufReader::new(stream)))
    }

    pub fn open(server: SocketAddr) -> Result<Session> {
        let mut session = Session::connect(server)?;
        session.expect("220")?;
        Ok(session)
    }

    /// Reads a reply, each line of which must have this code.
    pub fn expect(&mut self, code: &str) -> Result {
        let mut line = String::from("   -");
        while line[3..].starts_with('-') {
            line.clear();
            self.0.read_line(&mut line).with_context(|| format!("no reply {code}"))?;
            ensure!(line.starts_with(code), "the server replied, instead of {code}: '{line}'");
        }
        Ok(())
    }

    /// Says a line and waits for the reply.
    pub fn command(&mut self, line: &str, code: &str) -> Result {
        // In one piece, as a client that waits for replies would.
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes())?;
        self.expect(code)
    }

    /// Hands in a message, whose lines end in newlines.
    pub fn send(&mut self, from: &str, to: &str, message: &str) -> Result {
        self.command("HELO client.example", "250")?;
        self.command(&format!("MAIL FROM:<{from}>"), "250")?;
        self.command(&format!("RCPT TO:<{to}>"), "250")?;
        self.command("DATA", "354")?;
        let lines = format!("\n{message}.").replace("\n.", "\n..").replace('\n', "\r\n");
        self.command(&lines[2..lines.len() - 1], "250")
    }

    /// Ends the session, in good order.
    pub fn quit(mut self) -> Result {
        self.command("QUIT", "221")
    }

    /// Whether the server has said something that was not read yet.
    pub fn has_reply(&self) -> Result<bool> {
        self.0.get_ref().set_nonblocking(true)?;
        let seen = self.0.get_ref().peek(&mut [0]);
        self.0.get_ref().set_nonblocking(false)?;
        Ok(!self.0.buffer().is_empty() || seen.is_ok())
    }
}
