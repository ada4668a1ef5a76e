//! The gripper's controller as an image on an emulated board: QEMU behind a socket, the board's memory as a file.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use firmware::page::{self, Flash, LAYOUT, Words, at};
use rustix::thread::{CpuSet, Pid, sched_getaffinity, sched_setaffinity};
use tempfile::TempDir;

use crate::{LinkError, StreamTool, Tool, ToolAddress};

/// The emulator.
const QEMU: &str = "qemu-system-arm";
/// Size of the memory that is shared, MiB: all of the board's PSRAM.
const SHARED_MIB: u64 = 16;

/// Why there is no emulated board.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// The image has not been built.
    #[error("{} is not there; make firmware builds it", path.display())]
    NoImage {
        /// Where it should be.
        path: PathBuf,
    },
    /// The emulator is not installed.
    #[error("{QEMU} can't be run; .ci/setup boards installs it: {source}")]
    NoEmulator {
        /// What the system says.
        source: std::io::Error,
    },
    /// The page can't be made or opened.
    #[error("shared page {}: {source}", path.display())]
    Page {
        /// Its file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The emulator has ended by itself.
    #[error("{QEMU} ended with {status}")]
    Ended {
        /// How.
        status: ExitStatus,
    },
    /// The image is of another time.
    #[error("image has layout {image} of the shared page, the host layout {LAYOUT}; make firmware builds it anew")]
    Layout {
        /// The image's.
        image: u32,
    },
}

/// The memory that host and emulated board share, read and written as the file that it is: the system keeps both the
/// same. What can't be read reads 0.
#[derive(Debug)]
pub struct Page(File);

impl Page {
    /// Opens the page of a board that runs.
    ///
    /// # Errors
    /// [`EmulatorError::Page`], and [`EmulatorError::Layout`] where no board of this layout has begun.
    pub fn open(path: &Path) -> Result<Self, EmulatorError> {
        let fault = |source| EmulatorError::Page { path: path.into(), source };
        let page = Self(OpenOptions::new().read(true).write(true).open(path).map_err(fault)?);
        match page.word(at::LAYOUT) {
            LAYOUT => Ok(page),
            image => Err(EmulatorError::Layout { image }),
        }
    }
}

impl Words for Page {
    fn word(&self, at: usize) -> u32 {
        let mut bytes = [0; 4];
        self.0.read_exact_at(&mut bytes, 4 * at as u64).map_or(0, |()| u32::from_le_bytes(bytes))
    }
    fn set_word(&self, at: usize, word: u32) {
        // A file of the right size takes a word.
        let _ = self.0.write_all_at(&word.to_le_bytes(), 4 * at as u64);
    }
}

/// A board that runs; it ends with this.
#[derive(Debug)]
pub struct Emulator {
    image: PathBuf,
    child: Child,
    dir: TempDir,
    page: Page,
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Emulator {
    /// A board with an empty flash whose power comes now; before that `prepare` may write into its page, which says that
    /// there is air and nothing else. The image has begun when [`Emulator::has_begun`] says so.
    ///
    /// # Errors
    /// [`EmulatorError`]; nothing runs then.
    pub fn start(image: &Path, prepare: impl FnOnce(&Page)) -> Result<Self, EmulatorError> {
        if !image.is_file() {
            return Err(EmulatorError::NoImage { path: image.into() });
        }
        let fault = |source| EmulatorError::Page { path: std::env::temp_dir(), source };
        let dir = tempfile::Builder::new().prefix("nuthatch-tool-").tempdir().map_err(fault)?;
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(page_path(&dir)).map_err(fault)?;
        file.set_len(SHARED_MIB << 20).map_err(fault)?;
        let page = Page(file);
        Flash(&page).wipe();
        page::put_samples(&page, &firmware::Samples { supply_ok: true, ..firmware::Samples::default() });
        prepare(&page);
        let child = power(image, &dir)?;
        Ok(Self { image: image.into(), child, dir, page })
    }

    /// Power goes and comes again; the page stays, and so does the flash in it. Before that `prepare` may write.
    ///
    /// # Errors
    /// [`EmulatorError`]; nothing runs then.
    pub fn restart(&mut self, prepare: impl FnOnce(&Page)) -> Result<(), EmulatorError> {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // QEMU makes its socket anew.
        let _ = std::fs::remove_file(self.dir.path().join("link"));
        self.page.set_word(at::LAYOUT, 0);
        prepare(&self.page);
        self.child = power(&self.image, &self.dir)?;
        Ok(())
    }

    /// Whether the image has begun since power came.
    ///
    /// # Errors
    /// [`EmulatorError`] when it never will.
    pub fn has_begun(&mut self) -> Result<bool, EmulatorError> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Err(EmulatorError::Ended { status });
        }
        match self.page.word(at::LAYOUT) {
            0 => Ok(false),
            LAYOUT => Ok(true),
            image => Err(EmulatorError::Layout { image }),
        }
    }

    /// The shared memory.
    #[must_use]
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// Its file, for another process.
    #[must_use]
    pub fn page_path(&self) -> PathBuf {
        page_path(&self.dir)
    }

    /// Where the tool's link is.
    #[must_use]
    pub fn address(&self) -> ToolAddress {
        ToolAddress::Unix(self.dir.path().join("link"))
    }
}

fn page_path(dir: &TempDir) -> PathBuf {
    dir.path().join("page")
}

/// Keeps the emulator on one processor. Its two threads hand one lock to and fro for each byte of the link; between two
/// processors that costs twice as much (round trips of 0.8 ms and 0.4 ms on a virtual machine).
fn pin(child: &Child) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let Ok(allowed) = sched_getaffinity(None) else { return };
    if let Some(last) = (0..CpuSet::MAX_CPU).rev().find(|cpu| allowed.is_set(*cpu)) {
        let mut one = CpuSet::new();
        one.set(last);
        // A system that does not allow it is slower.
        let _ = sched_setaffinity(pid, &one);
    }
}

fn power(image: &Path, dir: &TempDir) -> Result<Child, EmulatorError> {
    let link = dir.path().join("link");
    let child = Command::new(QEMU)
        .args(["-M", "mps2-an386,memory-backend=psram", "-display", "none", "-monitor", "none", "-object"])
        .arg(format!("memory-backend-file,id=psram,size={SHARED_MIB}M,mem-path={},share=on", page_path(dir).display()))
        .arg("-chardev")
        .arg(format!("socket,id=link,path={},server=on,wait=off", link.display()))
        .args(["-serial", "chardev:link", "-kernel"])
        .arg(image)
        .stdin(Stdio::null())
        .spawn()
        .map_err(|source| EmulatorError::NoEmulator { source })?;
    pin(&child);
    Ok(child)
}

/// The tool at the link of an emulated board, which runs as long as this lives.
#[derive(Debug)]
pub struct EmulatedTool {
    link: StreamTool,
    /// Kept for its end.
    _emulator: Emulator,
}

impl EmulatedTool {
    /// Connects to a board that has begun.
    ///
    /// # Errors
    /// What the system says.
    pub fn connect(emulator: Emulator) -> std::io::Result<Self> {
        Ok(Self { link: StreamTool::open(emulator.address())?, _emulator: emulator })
    }
}

impl Tool for EmulatedTool {
    fn send(&mut self, packet: &[u8]) -> Result<(), LinkError> {
        self.link.send(packet)
    }
    fn receive(&mut self, into: &mut [u8]) -> Result<Option<usize>, LinkError> {
        self.link.receive(into)
    }
}
