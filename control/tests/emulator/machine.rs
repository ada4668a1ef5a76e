//! The emulated board: QEMU with the image, its memory as a file, and a client at its link.
#![expect(clippy::disallowed_methods, reason = "an emulator runs on the wall's clock; every wait is bounded")]
#![expect(clippy::panic, reason = "a test that can't go on fails")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use control::{Emulator, EmulatorError, Page, StreamTool, ToolClient};
use firmware::page::{self, Words, at};
use firmware::{Event, Limits, Outputs, Samples, State, Status};
use scene::{Span, Timestamp};

/// Longest that anything is waited for. What takes milliseconds on a quiet machine has passed long before.
const PATIENCE: Duration = Duration::from_secs(30);

fn image() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware/boards/target/images/mps2-an386")
}

/// A board and what a test needs of it.
pub struct Machine(Emulator);

impl Machine {
    /// A board with an empty flash whose power comes now; before that `prepare` may write into its page. None, said on
    /// stderr, where the emulator or the image is missing, unless `CI` or `NUTHATCH_NEEDS_EMULATOR` is set.
    pub fn start(prepare: impl FnOnce(&Page)) -> Option<Self> {
        match Emulator::start(&image(), prepare) {
            Ok(emulator) => Some(Self(emulator).begun()),
            Err(why @ (EmulatorError::NoImage { .. } | EmulatorError::NoEmulator { .. })) => {
                let insists = |name| std::env::var_os(name).is_some();
                assert!(!insists("CI") && !insists("NUTHATCH_NEEDS_EMULATOR"), "{why}");
                eprintln!("skipped: {why}");
                None
            }
            Err(why) => panic!("{why}"),
        }
    }

    /// Power goes and comes again; before that `prepare` may write.
    pub fn again(mut self, prepare: impl FnOnce(&Page)) -> Self {
        self.0.restart(prepare).unwrap();
        self.begun()
    }

    fn begun(mut self) -> Self {
        self.until("the image has begun", |machine| machine.0.has_begun().unwrap());
        self
    }

    pub fn page(&self) -> &Page {
        self.0.page()
    }

    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let begun = Instant::now();
        while !done(self) {
            if let Err(why) = self.0.has_begun() {
                panic!("{why} while waiting until {what}");
            }
            assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} until {what}");
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    /// One step of a board that is stepped. Sleeps while it waits, though only just: the image polls, and where both
    /// did they would take each other's processor.
    pub fn step(&self) {
        let bell = self.page().word(at::DOORBELL).wrapping_add(1);
        self.page().set_word(at::DOORBELL, bell);
        let begun = Instant::now();
        while self.page().word(at::DONE) != bell {
            assert!(begun.elapsed() < PATIENCE, "step {bell} was not answered within {PATIENCE:?}");
            std::thread::sleep(Duration::from_micros(20));
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
    /// A cup that must not be vented, whatever is waited for.
    pub held: Option<usize>,
    begun: Instant,
}

impl Rig {
    /// Connects and greets.
    pub fn greet(mut machine: Machine) -> Self {
        let address = machine.0.address();
        let mut tool = None;
        machine.until("the link is open", |_| {
            tool = StreamTool::open(address.clone()).ok();
            tool.is_some()
        });
        let client = ToolClient::new(tool.unwrap(), LIMITS);
        let mut rig = Self { machine, client, events: Vec::new(), held: None, begun: Instant::now() };
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
            if let Some(cup) = self.held {
                assert!(!self.outputs().vent[cup], "cup {cup} was vented while waiting until {what}");
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
        page::outputs(self.machine.page())
    }

    pub fn put(&self, samples: &Samples) {
        page::put_samples(self.machine.page(), samples);
    }
}
