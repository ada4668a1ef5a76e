//! Holds the documents to the program: links lead somewhere, and commands that are shown can be given.
#![cfg(test)]

mod tracked;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A document, taken apart: prose without code, and the lines of its fenced blocks.
struct Document {
    prose: String,
    fenced: Vec<String>,
}

fn read(markdown: &str) -> Document {
    let (mut prose, mut fenced, mut inside) = (String::new(), Vec::<String>::new(), false);
    let mut goes_on = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside {
            let part = line.trim_end().trim_end_matches('\\');
            match fenced.last_mut().filter(|_| goes_on) {
                Some(last) => last.push_str(part),
                None => fenced.push(part.to_owned()),
            }
            goes_on = line.trim_end().ends_with('\\');
        } else {
            // Every second piece between backticks is code.
            prose.extend(line.split('`').step_by(2));
            prose.push('\n');
        }
    }
    Document { prose, fenced }
}

/// Targets of links and pictures that are not on the web.
fn links(prose: &str) -> Vec<&str> {
    [("](", ')'), ("src=\"", '"'), ("href=\"", '"')]
        .iter()
        .flat_map(|(start, end)| prose.split(start).skip(1).filter_map(|rest| rest.split(*end).next()))
        .filter_map(|link| link.split_whitespace().next())
        // A path of Rust is resolved by rustdoc.
        .filter(|link| !link.contains("://") && !link.starts_with("mailto:") && !link.contains("::"))
        .collect()
}

/// The anchors of a document's headings, as web sites derive them.
fn anchors(prose: &str) -> BTreeSet<String> {
    let headings = prose.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    headings.map(|heading| heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

/// What is wrong with the links of a document that stands in `folder`.
fn broken_links(folder: &Path, document: &Document) -> Vec<String> {
    let broken = |link: &&str| {
        let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
        if file.is_empty() {
            return !anchors(&document.prose).contains(anchor);
        }
        match (std::fs::read_to_string(folder.join(file)), anchor) {
            (_, "") => !folder.join(file).exists(),
            (Ok(text), anchor) if file.ends_with(".md") => !anchors(&read(&text).prose).contains(anchor),
            (text, _) => text.is_err(),
        }
    };
    links(&document.prose).into_iter().filter(broken).map(|link| format!("link {link} leads nowhere")).collect()
}

/// The commands of a line, each as its words: quotes are undone, comments and a leading prompt dropped.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let (mut word, mut quote) = (None::<String>, None);
    for c in line.trim_start().trim_start_matches("$ ").chars().chain([' ']) {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(c),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, ' ' | '&' | '|' | ';') => {
                if let (Some(last), Some(word)) = (all.last_mut(), word.take()) {
                    last.push(word);
                }
                if c != ' ' {
                    all.push(Vec::new());
                }
            }
            (None, _) => word.get_or_insert_default().push(c),
        }
    }
    // A variable before a command is not the command.
    for words in &mut all {
        while words.first().is_some_and(|word| word.contains('=')) {
            words.remove(0);
        }
    }
    all.retain(|words| !words.is_empty());
    all
}

/// What a command of the program says of itself.
#[derive(Clone)]
struct Help {
    /// Names that may follow; none when what follows is free.
    subcommands: BTreeSet<String>,
    flags: BTreeSet<String>,
}

fn parse_help(text: &str) -> Help {
    let listed = text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A name stands two blanks in; what it does may go on further in.
    let subcommands =
        listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).filter(|name| !name.is_empty());
    let flags = text.lines().map(str::trim_start).filter(|line| line.starts_with('-')).flat_map(|line| {
        line.split([' ', ',', '=']).filter(|word| !word.is_empty()).take_while(|word| word.starts_with('-'))
    });
    Help { subcommands: subcommands.map(str::to_owned).collect(), flags: flags.map(str::to_owned).collect() }
}

/// Answers of `nuthatch … --help`, each asked for once.
struct Program(BTreeMap<Vec<String>, Help>);

impl Program {
    fn help(&mut self, path: &[String]) -> Help {
        let ask = || {
            let asked =
                Command::new(env!("CARGO_BIN_EXE_nuthatch")).args(path).arg("--help").output().expect("nuthatch runs");
            assert!(
                asked.status.success(),
                "nuthatch {} --help: {}",
                path.join(" "),
                String::from_utf8_lossy(&asked.stderr)
            );
            parse_help(&String::from_utf8_lossy(&asked.stdout))
        };
        self.0.entry(path.to_vec()).or_insert_with(ask).clone()
    }

    /// What is wrong with `nuthatch WORDS`.
    fn refuse(&mut self, words: &[String]) -> Vec<String> {
        let mut path = Vec::new();
        let mut help = self.help(&path);
        for word in words.iter().take_while(|word| !word.starts_with('-')) {
            if help.subcommands.contains(word) {
                path.push(word.clone());
                help = self.help(&path);
            } else if help.subcommands.is_empty() {
                break;
            } else {
                return vec![format!("`nuthatch {}` is no command", words.join(" "))];
            }
        }
        let named =
            words.iter().filter(|word| word.starts_with('-')).map(|word| word.split('=').next().unwrap_or(word));
        let unknown = named.filter(|flag| !help.flags.contains(*flag));
        unknown.map(|flag| format!("`nuthatch {}` has no {flag}", path.join(" "))).collect()
    }
}

/// What can be given to `make`.
fn make_targets(makefile: &str) -> BTreeSet<&str> {
    makefile
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(target, _)| target)
        .filter(|target| !target.contains(['#', ' ', '\t', '.']))
        .collect()
}

/// What is wrong with the commands of ours that a document shows.
fn refused_commands(document: &Document, targets: &BTreeSet<&str>, program: &mut Program) -> Vec<String> {
    let mut faults = Vec::new();
    for words in document.fenced.iter().flat_map(|line| commands(line)) {
        let (name, rest) = words.split_first().expect("a command has words");
        if name == "make" {
            for word in rest {
                match word.split_once('=') {
                    Some(("ARGS", given)) => {
                        let run = [String::from("run")].into_iter().chain(given.split_whitespace().map(str::to_owned));
                        faults.extend(program.refuse(&run.collect::<Vec<_>>()));
                    }
                    None if !targets.contains(word.as_str()) => faults.push(format!("`make {word}` has no rule")),
                    _ => {}
                }
            }
        } else if Path::new(name).file_name().is_some_and(|file| file == "nuthatch") {
            faults.extend(program.refuse(rest));
        } else if name == "cargo" && rest.first().is_some_and(|word| word == "run") {
            let given = rest.iter().skip_while(|word| *word != "--").skip(1).cloned();
            faults.extend(program.refuse(&given.collect::<Vec<_>>()));
        }
    }
    faults
}

#[test]
fn every_document_has_links_and_commands_that_work() {
    let makefile = tracked::text(Path::new("Makefile")).expect("the Makefile is text");
    let targets = make_targets(&makefile);
    let mut program = Program(BTreeMap::new());
    let mut documents: BTreeSet<PathBuf> =
        tracked::files().into_iter().filter(|path| path.extension().is_some_and(|e| e == "md")).collect();
    documents.insert(PathBuf::from("README.md"));

    let mut faults = Vec::new();
    for path in documents {
        let document = read(&tracked::text(&path).expect("a document is text"));
        let folder = tracked::root().join(path.parent().unwrap_or(Path::new("")));
        let found =
            broken_links(&folder, &document).into_iter().chain(refused_commands(&document, &targets, &mut program));
        faults.extend(found.map(|fault| format!("{}: {fault}", path.display())));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

const SAMPLE: &str = r#"
# A sample
[good](Cargo.toml) [`code`](src "title") [web](https://example.org/x) [up](#a-sample) [`T`](crate::T) `[not](a-link)`
![bad](missing.png) <img src="gone.svg"> [down](#no-such)

```sh
git clone https://example.org && make run  # make nonsense
$ make run ARGS="--seed 7 --sead 8"
make tset
nuthatch run --json \
    --seed=3 --nosuch 4
RUST_LOG=info target/release/nuthatch dance
cargo run --release -- run --no-such-flag
```
"#;

#[test]
fn a_wrong_link_is_found_and_a_right_one_is_not() {
    let found = broken_links(tracked::root(), &read(SAMPLE));
    assert_eq!(found, ["missing.png", "#no-such", "gone.svg"].map(|link| format!("link {link} leads nowhere")));
}

#[test]
fn a_wrong_command_is_found_and_a_right_one_is_not() {
    let targets = make_targets("help: ## this list\nrun: setup ## runs\nARGS ?=\n# a comment: with a colon\n");
    assert_eq!(targets, BTreeSet::from(["help", "run"]));
    let found = refused_commands(&read(SAMPLE), &targets, &mut Program(BTreeMap::new()));
    assert_eq!(
        found,
        [
            "`nuthatch run` has no --sead",
            "`make tset` has no rule",
            "`nuthatch run` has no --nosuch",
            "`nuthatch dance` is no command",
            "`nuthatch run` has no --no-such-flag",
        ]
    );
}

#[test]
fn words_of_a_line_are_those_that_a_shell_sees() {
    let found = commands(r#"$ A=1 make run ARGS="--seed 7" && nuthatch why out 3 | less # not this"#);
    let expected: [&[&str]; 3] = [&["make", "run", "ARGS=--seed 7"], &["nuthatch", "why", "out", "3"], &["less"]];
    assert_eq!(found, expected);
}
