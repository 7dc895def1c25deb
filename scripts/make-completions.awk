# Makes a shell's completion of one program from what make-manuals.awk noted. Called by make-manuals.sh.
#
#   -v shell=bash|zsh|fish -v program=amble -v programs="amble amble-bench ..."
#
# Each option's argument, and each argument, is of a kind:
#   none, file, folder                     free; a file; a folder
#   motion, model, style                   a name (names.sh lists them) or a file
#   anything else: words with blanks       one of these
BEGIN {
    FS = "\t"
    id = program
    gsub(/-/, "_", id)
}

# Whether a command is the program or one of its subcommands: "amble-view" is not amble's, as it is a program of its own.
function ours(name) {
    return owner[name] == program
}

function kind(long, argument, what,    words, n, i, word) {
    if (argument == "")
        return ""
    if (long ~ /^(motion|clip|style-from)$/)
        return "motion"
    if (long ~ /^(policy|baseline|init|critic|decoder|encoder|deepphase)$/)
        return "model"
    if (long == "precision" || long == "style") {
        words = long == "style" ? "style" : ""
        n = split(long == "style" ? "random random-names random-blends" : "fp32 bf16 int16 int8 auto", word, " ")
        for (i = 1; i <= n; i++)
            if (long == "precision" ? what ~ word[i] : (argument " " what) ~ ("(^|[ ,|])" word[i] "($|[ ,|)])"))
                words = words (words == "" ? "" : " ") word[i]
        if (words != "")
            return words
        return long == "precision" ? "fp32 bf16 int16 int8 auto" : "style"
    }
    if (argument ~ /^[a-z0-9-]+(\|[a-z0-9-]+)+$/) {
        gsub(/\|/, " ", argument)
        return argument
    }
    if (argument ~ /DIR|FOLDER/)
        return "folder"
    if (argument ~ /FILE|\.npy|\.onnx/)
        return "file"
    return what ~ /or random/ ? "random" : "none"
}

function positional(word) {
    if (word ~ /^NAME/)
        return "motion"
    if (word ~ /\.onnx/)
        return "model"
    if (word ~ /^(STYLE|ROW)/)
        return "style"
    return "file"
}

$1 == "command" {
    names[++commands] = $2
    says[$2] = $3
}
$1 == "argument" && !($2 in rest) { rest[$2] = positional($3) }
$1 == "option" {
    n = ++options[$2]
    short[$2, n] = $3
    long[$2, n] = $4
    argument[$2, n] = $5
    text[$2, n] = $6
    of[$2, n] = kind($4, $5, $6)
}

function assign_owners(    i, j, n, program_name) {
    n = split(programs, program_name, " ")
    for (i = 1; i <= commands; i++)
        for (j = 1; j <= n; j++)
            if ((names[i] == program_name[j] || index(names[i], program_name[j] "-") == 1) && length(program_name[j]) > length(owner[names[i]]))
                owner[names[i]] = program_name[j]
}

# The subcommands right below a command, with blanks; fills `below`.
function children(name,    i, last, text_) {
    text_ = ""
    belows = 0
    for (i = 1; i <= commands; i++) {
        last = names[i]
        sub(/-[^-]*$/, "", last)
        if (last == name && last != names[i] && ours(names[i])) {
            below[++belows] = names[i]
            text_ = text_ (text_ == "" ? "" : " ") substr(names[i], length(name) + 2)
        }
    }
    return text_
}

function single(text_) { # for single quotes
    gsub(/'/, "'\\''", text_)
    return text_
}

END {
    assign_owners()
    if (shell == "bash")
        bash()
    else if (shell == "zsh")
        zsh()
    else
        fish()
}

# ---- bash ----

function bash(    i, j, name, words, all) {
    print "# bash completion for " program ". Made by scripts/make-manuals.sh of --help."
    print "_" id "()"
    print "{"
    print "    local current=${COMP_WORDS[COMP_CWORD]} option command=" program " kind= options= below= i program folder"
    print "    for ((i = 1; i < COMP_CWORD; i++)); do"
    print "        case $command-${COMP_WORDS[i]} in"
    all = ""
    for (i = 1; i <= commands; i++)
        if (ours(names[i]) && names[i] != program)
            all = all (all == "" ? "" : " | ") names[i]
    if (all != "")
        print "        " all ") command+=-${COMP_WORDS[i]} ;;"
    print "        *) break ;;"
    print "        esac"
    print "    done"
    print "    option=${COMP_WORDS[COMP_CWORD - 1]}"
    print "    if [ \"$current\" = '=' ]; then # --option=value is three words"
    print "        current="
    print "    elif [ \"$option\" = '=' ]; then"
    print "        option=${COMP_WORDS[COMP_CWORD - 2]}"
    print "    fi"
    print "    case $command in"
    for (i = 1; i <= commands; i++) {
        name = names[i]
        if (!ours(name))
            continue
        print "    " name ")"
        words = ""
        for (j = 1; j <= options[name]; j++)
            words = words (words == "" ? "" : " ") "--" long[name, j]
        if (!options[name])
            words = name == program ? "--help --version" : "--help"
        print "        options='" words "' kind='" rest[name] "' below='" children(name) "'"
        words = ""
        for (j = 1; j <= options[name]; j++)
            if (of[name, j] != "")
                words = words "        " (short[name, j] != "" ? "-" short[name, j] " | " : "") "--" long[name, j] ") kind='" of[name, j] "' options= below= ;;\n"
        if (words != "") {
            print "        case $option in"
            printf "%s", words
            print "        esac"
        }
        print "        ;;"
    }
    print "    esac"
    print "    COMPREPLY=()"
    print "    if [[ $current == -* && -n $options ]]; then"
    print "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")"
    print "        return 0"
    print "    elif [ -n \"$below\" ]; then"
    print "        mapfile -t COMPREPLY < <(compgen -W \"$below\" -- \"$current\")"
    print "        return 0"
    print "    fi"
    print "    case ${kind%% *} in"
    print "    '' | none) ;;"
    print "    file) mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;"
    print "    folder) mapfile -t COMPREPLY < <(compgen -d -- \"$current\") ;;"
    print "    motion | model | style)"
    print "        program=$(command -v -- \"${COMP_WORDS[0]}\") folder=$(dirname -- \"$(readlink -f -- \"$program\")\")/../share/amble"
    print "        options=$(sh \"$folder/names.sh\" \"${kind%% *}\" 2>/dev/null)"
    print "        [ \"$kind\" = \"${kind%% *}\" ] || options+=\" ${kind#* }\""
    print "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\"; compgen -f -- \"$current\")"
    print "        ;;"
    print "    *) mapfile -t COMPREPLY < <(compgen -W \"$kind\" -- \"$current\") ;;"
    print "    esac"
    print "    case $kind in file | folder | motion | model | style*) compopt -o filenames 2>/dev/null ;; esac"
    print "    return 0"
    print "}"
    print "complete -F _" id " " program
}

# ---- zsh ----

function zsh_text(text_) {
    gsub(/\\/, "\\\\", text_)
    gsub(/\[/, "\\[", text_)
    gsub(/\]/, "\\]", text_)
    gsub(/:/, "\\:", text_)
    return single(text_)
}

function zsh_action(k,    n, word) {
    if (k == "none")
        return " "
    if (k == "file")
        return "_files"
    if (k == "folder")
        return "_files -/"
    n = split(k, word, " ")
    if (word[1] ~ /^(motion|model|style)$/)
        return "_" id "_names " k
    return "(" k ")"
}

function zsh(    i, j, name, spec, all) {
    print "#compdef " program
    print "# zsh completion for " program ". Made by scripts/make-manuals.sh of --help."
    print ""
    print "_" id "_names() {"
    print "    local folder=${${_" id "_program:A}:h}/../share/amble kind=$1"
    print "    local -a found"
    print "    shift"
    print "    found=(\"$@\" ${(f)\"$(sh $folder/names.sh $kind 2>/dev/null)\"})"
    print "    _alternative \"names:$kind:(${found[*]})\" 'files:file:_files'"
    print "}"
    print ""
    print "_" id "() {"
    print "    local command=" program " _" id "_program=${commands[" program "]:-$words[1]}"
    print "    integer at=2"
    print "    while (( at < CURRENT )); do"
    print "        case $command-$words[at] in"
    all = ""
    for (i = 1; i <= commands; i++)
        if (ours(names[i]) && names[i] != program)
            all = all (all == "" ? "" : "|") names[i]
    if (all != "")
        print "        (" all ") command+=-$words[at] ;;"
    print "        (*) break ;;"
    print "        esac"
    print "        (( at++ ))"
    print "    done"
    print "    words=($command \"${(@)words[at,-1]}\")"
    print "    (( CURRENT -= at - 2 ))"
    print "    case $command in"
    for (i = 1; i <= commands; i++) {
        name = names[i]
        if (!ours(name))
            continue
        print "    (" name ")"
        if (children(name) != "") {
            print "        local -a below=("
            for (j = 1; j <= belows; j++)
                print "            '" zsh_text(substr(below[j], length(name) + 2)) ":" single(says[below[j]]) "'"
            print "        )"
            print "        if [[ $words[CURRENT] == -* ]]; then"
            print "            _arguments '--help[list the subcommands]'" (name == program ? " '--version[print the version]'" : "")
            print "        else"
            print "            _describe -t commands subcommand below"
            print "        fi"
        } else {
            print "        _arguments -s -S \\"
            for (j = 1; j <= options[name]; j++) {
                spec = "[" zsh_text(text[name, j]) "]"
                if (argument[name, j] != "")
                    spec = spec ":" zsh_text(argument[name, j]) ":" single(zsh_action(of[name, j]))
                if (short[name, j] == "?")
                    print "            '(- *)'{-\\?,--" long[name, j] "}'" spec "' \\"
                else if (short[name, j] != "" && argument[name, j] != "")
                    print "            '*'{-" short[name, j] "+,--" long[name, j] "=}'" spec "' \\"
                else if (short[name, j] != "")
                    print "            '*'{-" short[name, j] ",--" long[name, j] "}'" spec "' \\"
                else
                    print "            '*--" long[name, j] (argument[name, j] != "" ? "=" : "") spec "' \\"
            }
            print "            '*:argument:" (rest[name] != "" ? single(zsh_action(rest[name])) : " ") "'"
        }
        print "        ;;"
    }
    print "    esac"
    print "}"
    print ""
    print "_" id " \"$@\""
}

# ---- fish ----

function fish_quote(text_) {
    gsub(/\\/, "\\\\", text_)
    gsub(/'/, "\\'", text_)
    return "'" text_ "'"
}

function fish_action(k,    n, word) {
    if (k == "none")
        return " -x"
    if (k == "file")
        return " -r -F"
    if (k == "folder")
        return " -x -a '(__fish_complete_directories)'"
    n = split(k, word, " ")
    if (word[1] ~ /^(motion|model|style)$/)
        return " -r -F -a '(__" id "_names " k ")'"
    return " -x -a '" k "'"
}

function fish(    i, j, name, line, all) {
    print "# fish completion for " program ". Made by scripts/make-manuals.sh of --help."
    all = ""
    for (i = 1; i <= commands; i++)
        if (ours(names[i]))
            all = all " " names[i]
    print "function __" id "_is -d 'whether the command line is that of this subcommand'"
    print "    set -l words (commandline -opc)"
    print "    set -e words[1]"
    print "    set -l command " program
    print "    for word in $words"
    print "        contains -- \"$command-$word\"" all "; or break"
    print "        set command \"$command-$word\""
    print "    end"
    print "    test \"$command\" = \"$argv[1]\""
    print "end"
    print "function __" id "_names"
    print "    set -l program (commandline -opc)[1]"
    print "    printf '%s\\n' $argv[2..-1]"
    print "    sh (dirname (realpath (command -v $program)))/../share/amble/names.sh $argv[1] 2>/dev/null"
    print "end"
    print "complete -c " program " -f"
    for (i = 1; i <= commands; i++) {
        name = names[i]
        if (!ours(name))
            continue
        line = "complete -c " program " -n '__" id "_is " name "'"
        children(name)
        for (j = 1; j <= belows; j++)
            print line " -a " substr(below[j], length(name) + 2) " -d " fish_quote(says[below[j]])
        if (!options[name]) {
            print line " -l help -d 'list the subcommands'"
            if (name == program)
                print line " -l version -d 'print the version'"
        }
        if (rest[name] != "" && !belows)
            print line fish_rest(rest[name])
        for (j = 1; j <= options[name]; j++)
            print line (short[name, j] != "" && short[name, j] != "?" ? " -s " short[name, j] : "") " -l " long[name, j] \
                (of[name, j] != "" ? fish_action(of[name, j]) : "") " -d " fish_quote(text[name, j])
    }
}

function fish_rest(k) {
    return k ~ /^(motion|model|style)$/ ? " -F -a '(__" id "_names " k ")'" : " -F"
}
