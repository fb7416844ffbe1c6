# Draws what summary.awk printed as a picture in SVG: a line for each case, the
# median as a dot, the quartiles as a band, the bounds of the median as a bar.
BEGIN {
    FS = ","
    low = 0.8; high = 1.2; left = 230; width = 440; row = 18; y = 14
    about["to /dev/null"] = "a call to /dev/null: time over that of a bare write (less is better)"
    about["to a pipe"] = "a call to a pipe with a reader: the same"
    about["senders"] = "senders on one pipe: messages a second, ours over C (more is better)"
    about["load"] = "loading the shared library: time, over C (less is better)"
    about["mail"] = "Postfix: mail messages a second, ours over C (more is better)"
}

function text(x, y, what, style) {
    lines[++n] = sprintf("<text x=\"%.1f\" y=\"%.1f\"%s>%s</text>", x, y, style, what)
}

function x(ratio) {
    ratio = ratio < low ? low : ratio > high ? high : ratio
    return left + (ratio - low) / (high - low) * width
}

function bar(from, to, height, style) {
    lines[++n] = sprintf("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" %s/>",
        x(from), y - height / 2, x(to) - x(from) + 0.5, height, style)
}

$1 != group {
    group = $1
    y += row * 1.6
    text(left, y, group in about ? about[group] : group, " class=\"head\"")
    y += row * 0.4
}

{
    y += row
    text(left - 12, y + 4, $2, " text-anchor=\"end\"")
    if ($4 > high || $4 < low) {
        text(left + ($4 > high) * (width - 60), y + 4, sprintf("%.1f ×", $4), "")
    } else {
        bar($7, $8, 10, "class=\"quartiles\"")
        if ($8 > high)
            text(left + width - 8, y + 4, "&gt;", "")
        if ($7 < low)
            text(left, y + 4, "&lt;", "")
        bar($5, $6, 3, "class=\"bounds\"")
        lines[++n] = sprintf("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>", x($4), y)
        text(left + width + 10, y + 4, sprintf("%.3f", $4), "")
    }
}

END {
    y += row * 1.5
    lines[++n] = sprintf("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>", left + 4, y)
    text(left + 14, y + 4, "median", "")
    lines[++n] = sprintf("<rect x=\"%.1f\" y=\"%.1f\" width=\"30\" height=\"3\" class=\"bounds\"/>", left + 76, y - 1.5)
    text(left + 114, y + 4, "its bounds (95 %)", "")
    lines[++n] = sprintf("<rect x=\"%.1f\" y=\"%.1f\" width=\"30\" height=\"10\" class=\"quartiles\"/>", left + 234, y - 5)
    text(left + 272, y + 4, "quartiles (&lt; &gt; go on outside)", "")
    bottom = y + row
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"740\" height=\"%d\" viewBox=\"0 0 740 %d\">\n",
        bottom + 2 * row, bottom + 2 * row
    print "<title>What master_notify costs: ours beside C and beside a bare write</title>"
    print "<style>text { font: 12px sans-serif; fill: #222 } .head { font-weight: bold }" \
        " .quartiles { fill: #b9d3ee } .bounds { fill: #1f5f9f } circle { fill: #1f5f9f }" \
        " .grid { stroke: #ccc } .one { stroke: #555 }</style>"
    print "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    for (tick = low; tick < high + 0.01; tick += 0.1) {
        printf "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"20\" y2=\"%.1f\" class=\"%s\"/>\n", x(tick), x(tick),
            bottom, (tick > 0.99 && tick < 1.01 ? "one" : "grid")
        printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.1f</text>\n", x(tick), bottom + 14, tick
    }
    for (i = 1; i <= n; i++)
        print lines[i]
    print "</svg>"
}
