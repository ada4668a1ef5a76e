//! The cell in Rerun: one sink that writes a recording or feeds the viewer.
//!
//! Events are drawn by a thread of their own behind a bounded queue; the loop only clones a few
//! [`Arc`](std::sync::Arc)s. Two policies for a full queue, chosen by what the clock is:
//!
//! - [`Rerun::to_file`] **waits**. A recording with gaps would answer "why did it do that?" wrongly, and a
//!   cell on the virtual clock loses nothing by waiting: its time stands still meanwhile, so the same
//!   input still gives the same motion. [`Rerun::dropping`] turns this off for a cell on the wall's clock.
//! - [`Rerun::to_viewer`] **drops** what does not fit and counts it. States, fifty a second, are dropped
//!   from half a queue on, so that images, choices and picks, which come once, find room.
//!
//! No drawing is ever an input of anything: a recording is for looking at, never for replay or tests.

mod choice;
mod colour;
mod draw;
mod layout;
mod look;
mod motion;
mod paths;
mod standing;
mod words;

#[cfg(test)]
mod synthetic;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use control::{Cell, RobotModel, ToolModel};
use crossbeam::channel::{Receiver, Sender, bounded};
use rerun::{RecordingStream, RecordingStreamBuilder, RecordingStreamError};

use crate::telemetry::{Event, Sink};
use draw::Draw;

/// What the recording calls the program it comes from; the viewer keeps a layout for each.
const APPLICATION: &str = "nuthatch";
/// Events that may wait. At most two images a pick are among them: some 10 MB.
const QUEUE: usize = 512;
/// How long the viewer may take to read what is left when the run is over.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(10);
/// Where `make viewer` puts the viewer, from the repository's root.
const LOCAL_VIEWER: &str = ".local/viewer/bin/rerun";

/// Why nothing, or not all, is shown. The cell is not touched by it.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// The recording can't be made.
    #[error("recording {path}: {source}", path = path.display())]
    File {
        /// The recording.
        path: PathBuf,
        /// What Rerun says.
        source: Box<RecordingStreamError>,
    },
    /// There is no viewer.
    #[error(
        "no Rerun viewer: nothing listens on port {port}, and rerun is neither in PATH nor at {LOCAL_VIEWER}; make viewer installs it"
    )]
    NoViewer {
        /// The port that a running viewer listens on.
        port: u16,
    },
    /// The viewer is there and does not start.
    #[error("viewer {path}: {source}", path = path.display())]
    Viewer {
        /// The program.
        path: PathBuf,
        /// What Rerun says.
        source: Box<RecordingStreamError>,
    },
    /// An event could not be drawn; what came after it is not shown.
    #[error("{to}: {source}")]
    Draw {
        /// The recording's path, or "viewer".
        to: String,
        /// What Rerun says.
        source: Box<RecordingStreamError>,
    },
    /// An image could not be encoded.
    #[error("{to}: image of camera {camera}: {source}")]
    Encode {
        /// The recording's path, or "viewer".
        to: String,
        /// The camera.
        camera: String,
        /// What the encoder says.
        source: Box<image::ImageError>,
    },
    /// The last part is not written: the disk is full, the viewer was closed.
    #[error("{to}: the end is not written: {source}")]
    Flush {
        /// The recording's path, or "viewer".
        to: String,
        /// What Rerun says.
        source: rerun::sink::SinkFlushError,
    },
    /// The thread that draws could not be started, or it panicked.
    #[error("{to}: the drawing thread {what}")]
    Thread {
        /// The recording's path, or "viewer".
        to: String,
        /// What became of it.
        what: String,
    },
}

/// How much was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shown {
    /// Events drawn.
    pub drawn: u64,
    /// Events dropped because the queue was full.
    pub dropped: u64,
}

/// A sink that shows everything: see the module.
#[derive(Debug)]
pub struct Rerun {
    to: String,
    queue: Option<Sender<Event>>,
    thread: Option<JoinHandle<Result<u64, ShowError>>>,
    waits: bool,
    dropped: u64,
}

impl Rerun {
    /// Writes a recording to `path`, replacing what is there. Waits when its queue is full.
    ///
    /// # Errors
    /// [`ShowError::File`] when the file can't be made; nothing was started.
    pub fn to_file(path: &Path, cell: &Cell, robot: &RobotModel, tool: &ToolModel) -> Result<Self, ShowError> {
        let fault = |source| ShowError::File { path: path.into(), source: Box::new(source) };
        let stream = RecordingStreamBuilder::new(APPLICATION).save(path).map_err(fault)?;
        Self::start(path.display().to_string(), stream, None, true, cell, robot, tool)
    }

    /// Feeds the viewer that listens on Rerun's port, or starts one. Never waits for it.
    ///
    /// # Errors
    /// [`ShowError::NoViewer`], [`ShowError::Viewer`]; nothing was started.
    pub fn to_viewer(cell: &Cell, robot: &RobotModel, tool: &ToolModel) -> Result<Self, ShowError> {
        let port = rerun::DEFAULT_SERVER_PORT;
        let builder = RecordingStreamBuilder::new(APPLICATION);
        let stream = match viewer() {
            Some(path) => {
                let options = rerun::SpawnOptions {
                    executable_path: Some(path.display().to_string()),
                    hide_welcome_screen: true,
                    ..Default::default()
                };
                builder.spawn_opts(&options).map_err(|source| ShowError::Viewer { path, source: Box::new(source) })?
            }
            None if listens(port) => builder
                .connect_grpc()
                .map_err(|source| ShowError::Draw { to: "viewer".into(), source: Box::new(source) })?,
            None => return Err(ShowError::NoViewer { port }),
        };
        Self::start("viewer".into(), stream, Some(LAST_WORDS), false, cell, robot, tool)
    }

    /// From now on drops and counts what finds the queue full, instead of waiting.
    #[must_use]
    pub fn dropping(mut self) -> Self {
        self.waits = false;
        self
    }

    fn start(
        to: String,
        stream: RecordingStream,
        flush_within: Option<std::time::Duration>,
        waits: bool,
        cell: &Cell,
        robot: &RobotModel,
        tool: &ToolModel,
    ) -> Result<Self, ShowError> {
        let (queue, events) = bounded(QUEUE);
        let mut draw =
            Draw::new(stream, to.clone(), cell.clone(), robot.clone(), tool.clone(), flush_within.is_some())?;
        let thread = std::thread::Builder::new()
            .name("show".into())
            .spawn(move || draw_all(&mut draw, &events, flush_within))
            .map_err(|source| ShowError::Thread { to: to.clone(), what: format!("can't be started: {source}") })?;
        Ok(Self { to, queue: Some(queue), thread: Some(thread), waits, dropped: 0 })
    }

    /// Draws what is left and closes the file or the connection. Says how much was dropped.
    ///
    /// # Errors
    /// The first thing that went wrong since the start; what was drawn before it is there.
    pub fn close(mut self) -> Result<Shown, ShowError> {
        self.join()
    }

    fn join(&mut self) -> Result<Shown, ShowError> {
        self.queue = None;
        let drawn = match self.thread.take().map(JoinHandle::join) {
            Some(Ok(drawn)) => drawn?,
            Some(Err(_)) => return Err(ShowError::Thread { to: self.to.clone(), what: "panicked".into() }),
            None => 0,
        };
        Ok(Shown { drawn, dropped: self.dropped })
    }
}

impl Drop for Rerun {
    /// Draws what is left. [`Rerun::close`] does the same and says what went wrong.
    fn drop(&mut self) {
        if let Err(error) = self.join() {
            tracing::warn!("{error}");
        }
    }
}

impl Sink for Rerun {
    fn take(&mut self, event: &Event) {
        let Some(queue) = &self.queue else { return };
        let taken = if self.waits {
            queue.send(event.clone()).is_ok()
        } else if matches!(event, Event::State { .. }) && queue.len() > QUEUE / 2 {
            false
        } else {
            queue.try_send(event.clone()).is_ok()
        };
        if !taken {
            self.dropped += 1;
        }
    }
}

/// Draws until the queue is closed. On the first error it ends: later events are then dropped and counted.
fn draw_all(
    draw: &mut Draw,
    events: &Receiver<Event>,
    flush_within: Option<std::time::Duration>,
) -> Result<u64, ShowError> {
    let mut drawn = 0;
    for event in events {
        draw.event(&event)?;
        drawn += 1;
    }
    draw.flush(flush_within)?;
    Ok(drawn)
}

/// The viewer that `make viewer` installed, here or above; else the one in PATH.
fn viewer() -> Option<PathBuf> {
    let here = std::env::current_dir().ok();
    let local = here.iter().flat_map(|dir| dir.ancestors()).map(|dir| dir.join(LOCAL_VIEWER));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path: Vec<PathBuf> = std::env::split_paths(&path).map(|dir| dir.join("rerun")).collect();
    local.chain(in_path).find(|file| file.is_file())
}

/// True when something on this machine listens on a port.
fn listens(port: u16) -> bool {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    std::net::TcpStream::connect_timeout(&address, std::time::Duration::from_millis(200)).is_ok()
}
