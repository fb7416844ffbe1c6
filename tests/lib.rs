//! No code: the test binaries are beside this file.
