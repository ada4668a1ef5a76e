//! Scripts in Python that benches compare with, run where `make peers` has installed what they import.

use std::io::{self, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a peer gave no figures. The bench goes on without them, and nothing of the peer is left running.
#[derive(Debug, thiserror::Error)]
pub(super) enum PeerError {
    #[error("{package} is not in .local/peers; make peers installs it")]
    Absent { package: &'static str },
    #[error("python3, for {package}: {source}")]
    Start { package: &'static str, source: io::Error },
    #[error("{package} was not done after {limit_s} s")]
    Late { package: &'static str, limit_s: f64 },
    #[error("{package}: {said}")]
    Ended { package: &'static str, said: String },
    #[error("{package} does not answer as expected: {source}")]
    Answer { package: &'static str, source: io::Error },
}

/// A script and what it needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer {
    /// What the script imports, and how its files in `.local/peers` begin.
    pub(super) package: &'static str,
    pub(super) script: &'static str,
    /// The script is ended after so long, seconds.
    pub(super) limit_s: f64,
}

impl Peer {
    /// Tells the script one thing and takes its one answer, both in JSON.
    pub(super) fn ask<A: DeserializeOwned>(&self, home: &Path, told: &impl Serialize) -> Result<A, PeerError> {
        self.talk(home, |mut to, from| {
            to.write_all(&serde_json::to_vec(told)?)?;
            drop(to);
            Ok(serde_json::from_reader(from)?)
        })
    }

    /// Runs the script for as long as the dialogue goes on. What it said last on standard error is why the dialogue broke.
    pub(super) fn talk<T>(
        &self,
        home: &Path,
        dialogue: impl FnOnce(ChildStdin, BufReader<ChildStdout>) -> io::Result<T>,
    ) -> Result<T, PeerError> {
        let &Self { package, script, limit_s } = self;
        let peers = home.join(".local/peers");
        let begins = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with(package);
        if !std::fs::read_dir(&peers).is_ok_and(|mut entries| entries.any(|e| e.is_ok_and(|e| begins(&e)))) {
            return Err(PeerError::Absent { package });
        }
        let mut child = Command::new("python3")
            .args(["-c", script])
            .env("PYTHONPATH", &peers)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| PeerError::Start { package, source })?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let errors = child.stderr.take();
        let child = Mutex::new(child);
        let end = &|| child.lock().is_ok_and(|mut child| child.kill().and_then(|()| child.wait()).is_ok());
        let (done, wait) = sync_channel::<()>(1);
        // Reading from a script that hangs ends when the script is ended.
        let (answer, late) = std::thread::scope(|scope| {
            let watch = scope.spawn(move || {
                let late = wait.recv_timeout(Duration::from_secs_f64(limit_s)) == Err(RecvTimeoutError::Timeout);
                late && end()
            });
            let answer = match pipes {
                Some((to, from)) => dialogue(to, BufReader::new(from)),
                None => Err(io::ErrorKind::BrokenPipe.into()),
            };
            drop(done);
            (answer, watch.join().unwrap_or(false))
        });
        end();
        answer.map_err(|source| {
            let mut said = String::new();
            if let Some(mut errors) = errors {
                // What can't be read was not said.
                errors.read_to_string(&mut said).ok();
            }
            match said.lines().rfind(|line| !line.trim().is_empty()) {
                _ if late => PeerError::Late { package, limit_s },
                Some(line) => PeerError::Ended { package, said: line.to_owned() },
                None => PeerError::Answer { package, source },
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a script, told `[1, 2]`, comes to where its package is installed.
    fn check(script: &'static str, limit_s: f64, expected: Result<u32, &str>) {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home.path().join(".local/peers/sums")).unwrap();
        let answer = Peer { package: "sums", script, limit_s }.ask::<u32>(home.path(), &[1, 2]);
        assert_eq!(answer.map_err(|e| e.to_string()), expected.map_err(str::to_owned), "{script}");
    }

    #[test]
    fn an_answer_is_taken_and_whatever_goes_wrong_is_said() {
        check("import json, sys; print(sum(json.load(sys.stdin)))", 60.0, Ok(3));
        check("raise ValueError('no sums today')", 60.0, Err("sums: ValueError: no sums today"));
        check("print()", 60.0, Err("sums does not answer as expected: EOF while parsing a value at line 2 column 0"));
    }

    #[test]
    fn a_script_that_hangs_is_ended() {
        check("import time; time.sleep(600)", 0.2, Err("sums was not done after 0.2 s"));
    }

    #[test]
    fn what_is_not_installed_is_not_started() {
        let home = tempfile::tempdir().unwrap();
        let error = Peer { package: "sums", script: "", limit_s: 1.0 }.ask::<u32>(home.path(), &()).unwrap_err();
        assert_eq!(error.to_string(), "sums is not in .local/peers; make peers installs it");
    }
}
