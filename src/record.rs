//! The recording of a run: `picks.jsonl`, one line a pick, on the disk before the next pick ends.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam::channel::{Sender, bounded};

use crate::telemetry::{Event, PickRecord, Sink};

/// Picks that may wait for the disk. A pick takes seconds, a line milliseconds: more means a stuck disk.
const WAITING: usize = 256;

/// Why a recording can't be kept. The cell is not affected.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct RecordError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: std::io::Error,
}

/// Writes picks on a thread of its own. In lockstep a full queue makes the cell's clock wait, so nothing is lost.
pub struct Recorder {
    sender: Option<Sender<Arc<PickRecord>>>,
    writer: Option<JoinHandle<Result<(), RecordError>>>,
}

impl Recorder {
    /// Makes the folder and an empty `picks.jsonl` in it.
    ///
    /// # Errors
    /// [`RecordError`] when the folder or the file can't be made.
    pub fn create(dir: &Path) -> Result<Self, RecordError> {
        std::fs::create_dir_all(dir).map_err(|source| RecordError { path: dir.into(), source })?;
        let path = dir.join("picks.jsonl");
        let mut file = File::create(&path).map_err(|source| RecordError { path: path.clone(), source })?;
        let (sender, receiver) = bounded::<Arc<PickRecord>>(WAITING);
        let writer = std::thread::spawn(move || {
            for record in receiver {
                let write = || -> std::io::Result<()> {
                    let mut line = serde_json::to_vec(&*record)?;
                    line.push(b'\n');
                    file.write_all(&line)?;
                    file.sync_data()
                };
                let mut write = write;
                write().map_err(|source| RecordError { path: path.clone(), source })?;
            }
            Ok(())
        });
        Ok(Self { sender: Some(sender), writer: Some(writer) })
    }

    /// Waits until all is on the disk.
    ///
    /// # Errors
    /// [`RecordError`] when a line could not be written; those before it are there.
    pub fn close(mut self) -> Result<(), RecordError> {
        self.sender = None;
        match self.writer.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            _ => Ok(()),
        }
    }
}

/// Writes what truly became of each attempt, `verdicts.jsonl`: only a world that can judge tells.
///
/// # Errors
/// [`RecordError`] when the file can't be written.
pub fn write_verdicts(dir: &Path, verdicts: &[String]) -> Result<(), RecordError> {
    let path = dir.join("verdicts.jsonl");
    let fault = |source| RecordError { path: path.clone(), source };
    let text: String = verdicts.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    std::fs::write(&path, text).map_err(fault)
}

impl Sink for Recorder {
    fn take(&mut self, event: &Event) {
        if let (Event::Pick(record), Some(sender)) = (event, &self.sender) {
            // A writer that has ended tells why in `close`.
            let _ = sender.send(record.clone());
        }
    }
}
