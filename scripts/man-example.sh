#!/bin/sh
# Prints the program in the EXAMPLES section of a manual page that mandoc or
# man has rendered, as a reader would copy it: mandoc PAGE | man-example.sh
set -eu

# From an #include to the closing brace at the same indentation. An underlined
# or bold character is itself, a backspace, itself.
found=$(sed "s/.$(printf '\b')//g" | awk '
    /^[A-Z]/ { section = $0 }
    section == "EXAMPLES" && indent == 0 && /^ +#include/ {
        match($0, /^ +/)
        indent = RLENGTH
    }
    indent > 0 && !ended {
        print substr($0, indent + 1)
        ended = match($0, /^ +}$/) && RLENGTH == indent + 1
    }
')
if [ -z "$found" ]; then
    echo "man-example.sh: there is no program in this page's EXAMPLES" >&2
    exit 1
fi
printf '%s\n' "$found"
