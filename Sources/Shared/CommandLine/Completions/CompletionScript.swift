/// The scripts that have shells ask a program what may be typed: they turn what ``Completion/lines`` has into the
/// shell's own matches, and leave files to the shell.
package enum CompletionScript: String, Sendable {
    /// The shells that there is a script for.
    case bash, zsh, fish

    /// The shell that the words behind a program's name ask the script of: a name, or that of SHELL.
    ///
    /// - Parameter shell: the value of SHELL, the path of a shell.
    package init?(arguments: some Sequence<String>, shell: String?) {
        let option = "--generate-completion-script"
        var words = arguments.drop { !$0.hasPrefix(option) }.makeIterator()
        guard let word = words.next() else { return nil }
        let named = word == option ? words.next() : String(word.dropFirst(option.count + 1))
        self.init(rawValue: named ?? shell?.split(separator: "/").last.map(String.init) ?? "")
    }

    /// The script of a program.
    package func text(for program: String) -> String {
        let template =
            switch self {
            case .bash: Self.bashTemplate
            case .zsh: Self.zshTemplate
            case .fish: Self.fishTemplate
            }
        return template.replacing("PROGRAM", with: program)
    }

    // The words are those of COMP_LINE, since readline also splits them at colons and equals signs. It replaces no more
    // of a word than its last part, so the matches lose what precedes that.
    private static let bashTemplate = #"""
        # bash completion of PROGRAM; `PROGRAM --help` and the manual page say what the words mean
        _teebridge_complete() {
            local IFS=$'\n' rest=${COMP_LINE:0:COMP_POINT} words=() lines=() raw typed before start line word name i
            for ((i = 0; i < COMP_CWORD; i++)); do
                word=${COMP_WORDS[i]}
                if ((i > 0)) && [[ $rest != [[:space:]]* ]]; then
                    words[${#words[@]} - 1]+=$word
                else
                    rest=${rest#"${rest%%[![:space:]]*}"}
                    words+=("$word")
                fi
                rest=${rest#"$word"}
            done
            raw=${rest#"${rest%%[![:space:]]*}"}
            if [[ $rest == "$raw" ]]; then
                raw=${words[${#words[@]} - 1]}$rest
                unset "words[${#words[@]} - 1]"
            fi
            before=${raw%"$2"}
            before=${before//[\\\"\']/}
            typed=${raw//[\\\"\']/}
            mapfile -t lines < <("${words[0]/#\~/$HOME}" ---complete "${words[@]:1}" "$typed" 2>/dev/null)
            for line in "${lines[@]:1}"; do
                word=${line%%$'\t'*}
                COMPREPLY+=("${word#"$before"}")
            done
            if [[ ${lines[0]} == files* ]]; then
                compopt -o filenames
                start=${lines[0]#*$'\t'}
                while read -r name; do
                    word=$start$name
                    word=${word#"$before"}
                    # readline knows a folder by its name alone
                    [[ $word == "$name" || ! -d $name ]] || word+=/
                    COMPREPLY+=("$word")
                done < <(compgen -f -- "${typed#"$start"}")
            fi
            [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *[:=/] ]] || compopt -o nospace
        }
        complete -F _teebridge_complete PROGRAM
        """#

    private static let zshTemplate = #"""
        #compdef PROGRAM
        # zsh completion of PROGRAM; `PROGRAM --help` and the manual page say what the words mean
        _PROGRAM() {
            local -a lines whole begun
            local line value start result=1
            lines=("${(@f)$("${${(Q)words[1]}/#\~/$HOME}" ---complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
            for line in "${(@)lines[2,-1]}"; do
                value=${line%%$'\t'*}
                line="${value//:/\\:}:${line#*$'\t'}"
                if [[ $value == *[:=/] ]]; then begun+=("$line"); else whole+=("$line"); fi
            done
            (( ! $#whole )) || _describe -t values value whole && result=0
            (( ! $#begun )) || _describe -t values value begun -S '' && result=0
            if [[ $lines[1] == files* ]]; then
                start=${lines[1]#*$'\t'}
                compset -p $#start && _files && result=0
            fi
            return result
        }
        if [[ $funcstack[1] == _PROGRAM ]]; then _PROGRAM "$@"; else compdef _PROGRAM PROGRAM; fi
        """#

    private static let fishTemplate = #"""
        # fish completion of PROGRAM; `PROGRAM --help` and the manual page say what the words mean
        function __teebridge_complete
            set -l words (commandline -opc)
            set -l typed (commandline -ct | string replace -ra '["\'\\\\]' '')
            set -l program (string replace -r '^~' $HOME -- $words[1])
            set -l lines (command $program ---complete $words[2..-1] "$typed" 2>/dev/null)
            string join \n -- $lines[2..-1]
            string match -q 'files*' -- $lines[1]; or return
            set -l start (string split -m 1 \t -- $lines[1])[2]
            set -l path (string sub -s (math 1 + (string length -- "$start")) -- "$typed" | string escape --no-quoted)
            for file in (complete -C "'' "(string replace -r '^\\\\~' '~' -- $path))
                printf '%s\n' $start$file
            end
        end
        complete -c PROGRAM -f -k -a '(__teebridge_complete)'
        """#
}
