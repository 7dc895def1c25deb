# Makes a page of a public header, or lists the names that it declares. Called by make-api-docs.sh.
#
#   -v pass=names -v page=model                     "NAME<tab>model" for each
#   -v pass=page -v page=model -v names=FILE        the page; FILE has the names of all headers

# ---- names ----

function add_name(name) {
    if (name in named)
        return
    named[name] = 1
    declared[++declareds] = name
}

# The names that a declaration's line declares; those at the margin head the group, an enum's constants only have anchors.
function find_names(line,    text) {
    if (line ~ /^#define AMB_/) {
        split(line, text, /[ (]/)
        add_name(text[2])
    } else if (match(line, /^typedef (struct|enum|union) amb_[a-z0-9_]+/)) {
        text[1] = substr(line, RSTART, RLENGTH)
        sub(/.* /, "", text[1])
        add_name(text[1])
    } else if (line ~ /^typedef/ && match(line, /\(\*amb_[a-z0-9_]+/))
        add_name(substr(line, RSTART + 2, RLENGTH - 2))
    else if (line ~ /^(AMB_|static inline )/ && match(line, /amb_[a-z0-9_]+\(/))
        add_name(substr(line, RSTART, RLENGTH - 1))
    if (line ~ /^(typedef )?enum /)
        in_enum = 1
    if (in_enum) {
        text[1] = line
        sub(/\/\*.*/, "", text[1]) # constants are named in comments, too
        while (match(text[1], /AMB_[A-Z0-9_]+/)) {
            add_name(substr(text[1], RSTART, RLENGTH))
            constant[substr(text[1], RSTART, RLENGTH)] = 1
            text[1] = substr(text[1], RSTART + RLENGTH)
        }
        if (line ~ /}/)
            in_enum = 0
    }
}

# ---- prose ----

# Text with names as links, identifiers as code, and without Markdown's own characters.
function prose(text,    result, word, rest, quoted) {
    result = ""
    while (text != "") {
        if (substr(text, 1, 1) == "`" && (quoted = index(substr(text, 2), "`"))) {
            result = result substr(text, 1, quoted + 1)
            text = substr(text, quoted + 2)
        } else if (match(text, /^[A-Za-z0-9_$]+/)) {
            word = substr(text, 1, RLENGTH)
            text = substr(text, RLENGTH + 1)
            if (word in where)
                word = "[`" word "`](" (where[word] == page ? "" : where[word] ".md") "#" word ")"
            else if (word ~ /_/)
                word = "`" word "`"
            result = result word
        } else {
            word = substr(text, 1, 1)
            text = substr(text, 2)
            if (word == "*" || word == "<" || word == "|" || word == "[")
                word = "\\" word
            result = result word
        }
    }
    return result
}

function flush_block() {
    if (block == "code")
        print "```"
    if (block != "")
        print ""
    block = ""
}

# Prints comment[from..comments]; in the manual short lines above indented ones are headings.
function print_comment(from, manual,    i, line, indent, base, next_indent, bullet) {
    base = 0
    block = ""
    for (i = from; i <= comments; i++) {
        line = comment[i]
        if (line == "") {
            for (indent = i + 1; indent <= comments && comment[indent] == ""; indent++)
                ;
            # a blank line within code
            if (block == "code" && indent <= comments && match(comment[indent], /[^ ]/) && RSTART - 1 - base >= 4)
                print ""
            else
                flush_block()
            continue
        }
        match(line, /[^ ]/)
        indent = RSTART - 1
        line = substr(line, RSTART)
        if (indent < base && block != "code")
            base = indent < 2 ? 0 : base
        if (indent < base) {
            flush_block()
            base = 0
        }
        indent -= base
        next_indent = 0
        if (i < comments && match(comment[i + 1], /[^ ]/))
            next_indent = RSTART - 1
        if (manual && indent == 0 && base == 0 && block == "" && length(line) <= 40 && line !~ /[.:;,]$/ && next_indent >= 2 && next_indent < 4) {
            flush_block()
            print "**" prose(line) "**"
            print ""
            base = 2
            continue
        }
        if (indent >= 4 && block != "bullet") {
            if (block != "code") {
                flush_block()
                print "```c"
                block = "code"
            }
            print substr("                                        ", 1, indent - 4) line
            continue
        }
        if (block == "code")
            flush_block()
        if ((indent == 2 && base == 0) || line ~ /^- /) {
            if (block == "text")
                print ""
            sub(/^- /, "", line)
            block = "bullet"
            if (match(line, /^[A-Z_]+  +/)) # "NAME  what it is"
                print "- **" substr(line, 1, index(line, " ") - 1) "** " prose(substr(line, RLENGTH + 1))
            else
                print "- " prose(line)
            continue
        }
        if (block == "bullet" && indent >= 2) {
            print "  " prose(line)
            continue
        }
        if (block == "bullet")
            flush_block()
        if (block == "" && match(line, /^[A-Z][a-z]+: /))
            line = "**" substr(line, 1, RLENGTH - 1) "** " prose(substr(line, RLENGTH + 1))
        else
            line = prose(line)
        print line
        block = "text"
    }
    flush_block()
}

function end_group(    i, title) {
    if (!lines)
        return
    if (pass == "names")
        for (i = 1; i <= declareds; i++)
            print declared[i] "\t" page
    else {
        title = ""
        for (i = 1; i <= declareds; i++) {
            printf "<a id=\"%s\"></a>", declared[i]
            if (!(declared[i] in constant) || title == "")
                title = title (title == "" ? "" : ", ") "`" declared[i] "`"
        }
        print "\n\n### " title "\n"
        print "```c"
        for (i = 1; i <= lines; i++)
            print code[i]
        print "```\n"
        if (comments)
            print_comment(1, 0)
    }
    lines = declareds = comments = 0
}

BEGIN {
    FS = "\t"
    if (pass == "page")
        while ((getline line < names) > 0) {
            split(line, part, "\t")
            where[part[1]] = part[2]
        }
}

# ---- the manual: the comment that the header begins with ----

FNR == 1 { in_comment = is_manual = 1 }
in_comment {
    line = $0
    last = sub(/ *\*\/ *$/, "", line)
    sub(/^\/\* ?/, "", line)
    sub(/^ \* ?/, "", line)
    sub(/ +$/, "", line)
    comment[++comments] = line
    if (!last)
        next
    in_comment = 0
    if (!is_manual)
        next
    is_manual = 0
    if (pass == "page") {
        # The title is the first sentence, which may go on in the next line.
        title = comment[1]
        first = 2
        if (title !~ /[.]( |$)/)
            title = title " " comment[first++]
        beyond = ""
        if (match(title, /[.] /)) {
            beyond = substr(title, RSTART + 2)
            title = substr(title, 1, RSTART - 1)
        }
        sub(/[.]$/, "", title)
        print "# " title "\n"
        print "`#include <amble/" page ".h>` · [all headers](README.md) · [the header itself](../../include/amble/" page ".h)\n"
        if (beyond != "") {
            comment[--first] = beyond
        }
        print_comment(first, 1)
    }
    comments = 0
    next
}

# ---- sections, comments, declarations ----

depth == 0 && /^\/\* ---- .* ---- \*\/$/ {
    end_group()
    comments = 0
    line = $0
    sub(/^\/\* ---- /, "", line)
    sub(/ ---- \*\/$/, "", line)
    if (pass == "page")
        print "## " toupper(substr(line, 1, 1)) substr(line, 2) "\n"
    next
}
depth == 0 && /^\/\*/ {
    end_group()
    comments = 0
    line = $0
    in_comment = 1
    last = sub(/ *\*\/ *$/, "", line)
    sub(/^\/\* ?/, "", line)
    comment[++comments] = line
    if (last)
        in_comment = 0
    next
}
# What is not for readers: guards, and C++.
depth == 0 && (/^#(ifndef|ifdef|if|else|elif|endif|include|undef)/ || /^#define AMBLE_/ || /^extern "C"/ || /^}$/) && !(lines && /^}$/) {
    if (/^#if/ && !/AMBLE_|__cplusplus/)
        hidden++ # an attribute's definition for several compilers
    else if (/^#endif/ && hidden)
        hidden--
    next
}
hidden { next }
depth == 0 && /^$/ {
    end_group()
    comments = 0
    next
}
{
    code[++lines] = $0
    find_names($0)
    line = $0
    gsub(/\/\*[^*]*\*\//, "", line)
    opened = gsub(/{/, "{", line)
    closed = gsub(/}/, "}", line)
    depth += opened - closed
}
END { end_group() }
