//! The emulated board: QEMU with the image, its memory as a file, and a client at its link.
#![expect(clippy::disallowed_methods, reason = "an emulator runs on the wall's clock; every wait is bounded")]
#![expect(clippy::panic, reason = "a test that can't go on fails")]

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use control::{StreamTool, ToolAddress, ToolClient};
use firmware::page::{self, Flash, Words, at};
use firmware::{Event, Limits, Outputs, Samples, State, Status};
use scene::{Span, Timestamp};
use tempfile::TempDir;

/// Longest that anything is waited for. What takes milliseconds on a quiet machine has passed long before.
const PATIENCE: Duration = Duration::from_secs(30);
/// Size of the memory that is shared, MiB: all of the board's PSRAM.
const SHARED_MIB: u64 = 16;

/// The shared memory, read and written as the file that it is: the system keeps both the same.
pub struct Page(File);

impl Words for Page {
    fn word(&self, at: usize) -> u32 {
        let mut bytes = [0; 4];
        self.0.read_exact_at(&mut bytes, 4 * at as u64).unwrap();
        u32::from_le_bytes(bytes)
    }
    fn set_word(&self, at: usize, word: u32) {
        self.0.write_all_at(&word.to_le_bytes(), 4 * at as u64).unwrap();
    }
}

/// A board that runs; it ends with this.
pub struct Machine {
    child: Child,
    dir: TempDir,
    pub page: Page,
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn image() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware/boards/target/images/mps2-an386")
}

/// None where something is missing and nobody insists.
fn missing() -> Option<String> {
    let qemu = Command::new("qemu-system-arm").arg("--version").stdout(Stdio::null()).status();
    let why = if !image().exists() {
        format!("{} is not there; make firmware builds it", image().display())
    } else if !qemu.is_ok_and(|status| status.success()) {
        "qemu-system-arm does not run; .ci/setup boards installs it".to_owned()
    } else {
        return None;
    };
    let insists = |name| std::env::var_os(name).is_some();
    assert!(!insists("CI") && !insists("NUTHATCH_NEEDS_EMULATOR"), "{why}");
    Some(why)
}

impl Machine {
    /// A board with an empty flash whose power comes now; before that `prepare` may write into its page. None, said on
    /// stderr, where the emulator or the image is missing, unless `CI` or `NUTHATCH_NEEDS_EMULATOR` is set.
    pub fn start(prepare: impl FnOnce(&Page)) -> Option<Self> {
        if let Some(why) = missing() {
            eprintln!("skipped: {why}");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(dir.path().join("page")).unwrap();
        file.set_len(SHARED_MIB << 20).unwrap();
        let page = Page(file);
        Flash(&page).wipe();
        page::put_samples(&page, &SUPPLIED);
        prepare(&page);
        Some(Self::power(dir, page))
    }

    /// Power goes and comes again; the page stays, and so does the flash in it. Before that `prepare` may write.
    pub fn again(mut self, prepare: impl FnOnce(&Page)) -> Self {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let page = Page(self.page.0.try_clone().unwrap());
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        let _ = std::fs::remove_file(dir.path().join("link"));
        page.set_word(at::LAYOUT, 0);
        prepare(&page);
        Self::power(dir, page)
    }

    fn power(dir: TempDir, page: Page) -> Self {
        let file = |name: &str| dir.path().join(name).display().to_string();
        let child = Command::new("qemu-system-arm")
            .args(["-M", "mps2-an386,memory-backend=psram", "-display", "none", "-monitor", "none", "-object"])
            .arg(format!("memory-backend-file,id=psram,size={SHARED_MIB}M,mem-path={},share=on", file("page")))
            .arg("-chardev")
            .arg(format!("socket,id=link,path={},server=on,wait=off", file("link")))
            .args(["-serial", "chardev:link", "-kernel"])
            .arg(image())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut machine = Self { child, dir, page };
        machine.until("the image has begun", |machine| machine.page.word(at::LAYOUT) != 0);
        let (found, ours) = (machine.page.word(at::LAYOUT), page::LAYOUT);
        assert_eq!(found, ours, "layout of the page in the image, and here: is the image old?");
        machine
    }

    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let begun = Instant::now();
        while !done(self) {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("qemu ended with {status} while waiting until {what}");
            }
            assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} until {what}");
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    /// One step of a board that is stepped. Waits without sleeping: thousands are made.
    pub fn step(&self) {
        let bell = self.page.word(at::DOORBELL).wrapping_add(1);
        self.page.set_word(at::DOORBELL, bell);
        let begun = Instant::now();
        while self.page.word(at::DONE) != bell {
            assert!(begun.elapsed() < PATIENCE, "step {bell} was not answered within {PATIENCE:?}");
            std::thread::yield_now();
        }
    }
}

/// Nothing held, air there.
pub const SUPPLIED: Samples = Samples {
    cup_pa: [0; firmware::CUPS],
    manifold_pa: 0,
    load_mn: 0,
    stroke_um: [0; firmware::CUPS],
    estop: false,
    supply_ok: true,
    release_input: false,
};

/// The longest deadline that there is, so that a loaded machine is no silence.
pub const LIMITS: Limits = Limits { heartbeat_ms: 500, ..Limits::DEFAULT };

/// A board and its host.
pub struct Rig {
    pub machine: Machine,
    pub client: ToolClient<StreamTool>,
    pub events: Vec<Event>,
    begun: Instant,
}

impl Rig {
    /// Connects and greets.
    pub fn greet(mut machine: Machine) -> Self {
        let address = ToolAddress::Unix(machine.dir.path().join("link"));
        let mut tool = None;
        machine.until("the link is open", |_| {
            tool = StreamTool::open(address.clone()).ok();
            tool.is_some()
        });
        let client = ToolClient::new(tool.unwrap(), LIMITS);
        let mut rig = Self { machine, client, events: Vec::new(), begun: Instant::now() };
        rig.until("armed", |rig| rig.client.is_up() && rig.state() == Some(State::Active));
        rig
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::ZERO + Span::from_millis(1_000 + u64::try_from(self.begun.elapsed().as_millis()).unwrap())
    }

    /// Polls the client, as a host does, until something is so.
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let begun = Instant::now();
        loop {
            self.client.poll(self.now()).unwrap();
            while let Some(event) = self.client.next_event() {
                self.events.push(event);
            }
            if done(self) {
                return;
            }
            if begun.elapsed() > PATIENCE {
                let (status, outputs) = (self.client.status(), self.outputs());
                panic!("waited {PATIENCE:?} until {what}: {outputs:?}, {:?}, {status:?}", self.events);
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    /// Sends a request and waits until it is done.
    pub fn ask(&mut self, request: firmware::Request) {
        let now = self.now();
        let seq = self.client.send(request, now).unwrap();
        self.until("a request is answered", |rig| match rig.client.next_answer() {
            Some(control::Answer::Done { seq: done }) => done == seq,
            Some(other) => panic!("{request:?}: {other:?}"),
            None => false,
        });
    }

    pub fn state(&self) -> Option<State> {
        self.client.status().map(|status| status.state)
    }

    pub fn status(&self) -> Status {
        *self.client.status().unwrap()
    }

    pub fn outputs(&self) -> Outputs {
        page::outputs(&self.machine.page)
    }

    pub fn put(&self, samples: &Samples) {
        page::put_samples(&self.machine.page, samples);
    }
}
