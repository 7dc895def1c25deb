# Makes a manual page of the help text of one command, and notes its options for make-completions.awk. Called by make-manuals.sh.
#
#   -v page=amble-fit-phase -v pages="amble amble-fit ..." -v version=0.1.0 -v date=2026-11-29 -v options=FILE (appended to)
#
# FILE gets lines with tabs: "command NAME WHAT", "argument NAME WORD", "option NAME SHORT LONG ARGUMENT WHAT".

function escape(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    gsub(/`/, "\\(ga", text)
    gsub(/'/, "\\(aq", text)
    if (text ~ /^\./)
        text = "\\&" text
    return text
}

# Text in which hyphens are hyphens, options aside.
function prose(text) {
    gsub(/\\/, "\\e", text)
    gsub(/`/, "\\(ga", text)
    gsub(/'/, "\\(aq", text)
    gsub(/--/, "\\-\\-", text)
    if (text ~ /^[.]/)
        text = "\\&" text
    return text
}

function mode(next_mode) {
    if (current == "pre" && next_mode != "pre")
        print ".fi"
    if (next_mode == "pre" && current != "pre")
        print (current == "fresh" ? ".nf" : ".PP\n.nf")
    if (next_mode == "text" && current != "text" && current != "fresh")
        print ".PP"
    current = next_mode
}

function heading(text) {
    mode("none")
    print ".SH " text
    current = "fresh"
}

# The page's head, once all of `usage` and `what` is read.
function begin_page(    first, command, i, w, n, bold, word, text) {
    state = "body"
    first = what # its first sentence
    if (match(first, /[.:;] /))
        first = substr(first, 1, RSTART - 1)
    sub(/[.]$/, "", first)
    first = tolower(substr(first, 1, 1)) substr(first, 2)
    print "command", name, first >>options
    print ".\\\" Made by scripts/make-manuals.sh of --help."
    print ".TH " toupper(escape(name)) " 1 \"" date "\" \"amble " version "\" \"User Commands\""
    print ".SH NAME"
    print escape(name) " \\- " prose(first)
    print ".SH SYNOPSIS"
    for (i = 1; i <= usages; i++) {
        n = split(usage[i], word, " ")
        text = ""
        bold = 1
        for (w = 1; w <= n; w++) {
            if (word[w] !~ /^[a-z]/)
                bold = 0
            text = text (w > 1 ? " " : "") (bold || word[w] ~ /^-/ ? "\\fB" : word[w] ~ /^[[|]/ ? "\\fR" : "\\fI") escape(word[w])
            if (word[w] ~ /OPTION|SUBCOMMAND|BENCHMARK/ || word[w] ~ /^[a-z|-]/ || word[w - 1] ~ /^-/)
                continue
            gsub(/[][]|\.\.\.\]?$/, "", word[w])
            if (!(word[w] in arguments))
                print "argument", name, word[w] >>options
            arguments[word[w]] = 1
        }
        print (i > 1 ? ".br\n" : "") text "\\fR"
    }
    print ".SH DESCRIPTION"
    print prose(what)
    current = "text"
}

BEGIN {
    OFS = "\t"
    name = page
    state = "usage"
    groups = 0
}

{ sub(/[ ]+$/, "") }

# ---- usage ----
state == "usage" && (/^Usage:/ || /^       [a-z]/) {
    line = $0
    sub(/^Usage: /, "", line)
    sub(/^ +/, "", line)
    usage[++usages] = line
    next
}
state == "usage" { state = "what" }

# ---- what it does, up to a blank line ----
state == "what" && /^(Example.*)?$/ {
    begin_page()
    if ($0 == "")
        next
}
state == "what" {
    what = what (what == "" ? "" : " ") $0
    next
}

# ---- options ----
/^  -/ || /^      --/ {
    if (!groups) {
        groups = 1
        heading("OPTIONS")
    }
    if (current == "pre")
        mode("option")
    line = $0
    sub(/^ +/, "", line)
    text = ""
    if (match(line, /   *[^ ]/)) {
        text = substr(line, RSTART)
        line = substr(line, 1, RSTART - 1)
        sub(/^ +/, "", text)
    } else if (line !~ /="/ && match(line, / [^ -]/)) { # the option just fits its column
        text = substr(line, RSTART + 1)
        line = substr(line, 1, RSTART - 1)
    }
    print ".TP"
    short = argument = shown = ""
    longs = 0
    n = split(line, part, ", ")
    for (i = 1; i <= n; i++) {
        if (part[i] ~ /^-[^-]/) {
            short = substr(part[i], 2, 1)
            shown = shown (shown == "" ? "" : ", ") "\\fB" escape(part[i]) "\\fR"
            continue
        }
        long = part[i]
        argument = ""
        if (match(long, /=/)) {
            argument = substr(long, RSTART + 1)
            long = substr(long, 1, RSTART - 1)
        }
        sub(/^--/, "", long)
        all[++longs] = long
        shown = shown (shown == "" ? "" : ", ") "\\fB" escape("--" long) "\\fR" (argument == "" ? "" : "=\\fI" escape(argument) "\\fR")
    }
    print shown
    current = "option"
    if (text != "")
        print prose(text)
    for (i = 1; i <= longs; i++) {
        if (text == "")
            waiting[++waits] = "option" OFS name OFS short OFS all[i] OFS argument
        else
            print "option", name, short, all[i], argument, text >>options
        short = "" # an alias has none of its own
    }
    next
}
current == "option" && /^              / { # the text of an option too long for its column
    line = $0
    sub(/^ +/, "", line)
    print prose(line)
    for (i = 1; i <= waits; i++)
        print waiting[i], line >>options
    waits = 0
    next
}
/^ [^ ].*:$/ {
    if (!groups) {
        groups = 1
        heading("OPTIONS")
    }
    line = substr($0, 2)
    sub(/:$/, "", line)
    print ".SS " prose(line)
    current = "fresh"
    next
}

# ---- subcommands ----
/^  [a-z][a-z-]*  / {
    if (!commands++)
        heading("COMMANDS")
    line = $0
    sub(/^  /, "", line)
    match(line, /  +/)
    mode("command")
    print ".TP\n.BR " escape(name "-" substr(line, 1, RSTART - 1)) " (1)"
    print prose(substr(line, RSTART + RLENGTH))
    next
}
current == "command" && /^           [a-z]/ {
    line = $0
    sub(/^ +/, "", line)
    print ".br\n.B " escape(line)
    next
}

# ---- the rest ----
/^Mandatory or optional arguments to long options/ { next }
/^$/ {
    if (current == "pre")
        mode("none")
    else if (current != "option" && current != "fresh")
        current = "none"
    next
}
/^(Environment|Examples?):/ {
    line = $0
    sub(/:.*/, "", line)
    heading(toupper(line))
    groups = 2
    line = $0
    sub(/^[A-Za-z]*: */, "", line)
    if (line != "") {
        mode("pre")
        print escape(line)
    }
    next
}
groups == 1 && /^[^ ]/ {
    groups = 2
    heading($0 ~ /^Example/ ? "EXAMPLES" : "NOTES") # "Example, on the clips of ...:"
}
/^ / {
    mode("pre")
    print escape($0)
    next
}
{
    mode("text")
    print prose($0)
}

END {
    if (state == "what")
        begin_page()
    heading("SEE ALSO")
    n = split(pages, other, " ")
    text = ""
    for (i = 1; i <= n; i++)
        if (other[i] != name) {
            # the program, those below, those beside
            split(other[i], a, "-")
            parent = name
            sub(/-[^-]*$/, "", parent)
            up = other[i]
            sub(/-[^-]*$/, "", up)
            if (other[i] == "amble" || other[i] == parent || up == name || (up == parent && parent != name))
                text = text (text == "" ? "" : ",\n") ".BR " escape(other[i]) " (1)"
        }
    n = split(text, see, "\n")
    for (i = 1; i <= n; i++) {
        sub(/\(1\),$/, "(1),", see[i])
        print see[i]
    }
}
