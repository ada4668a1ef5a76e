//! A simulated world that serves its devices at a socket, to one runtime after another.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use control::{Clock, FromWorld, LINK_VERSION, Page, ToWorld, Turn, decode_message, encode_message};
use scene::Timestamp;
use sim::serve::Served;
use sim::world::WorldFault;

use super::Simulation;
use super::score::Scorer;
use crate::clock::{Stopwatch, sleep_s};
use crate::judge::Claim;
use crate::socket::{Socket, SocketError};

/// After its runtime has gone a world on the virtual clock goes on for so many milliseconds: the arm comes to rest and
/// the tool's deadline makes it safe. Then time stands until the next one comes.
const AFTERWARDS_MS: u32 = 2_000;
/// How often somebody who wants in is looked for, seconds; and, while another one drives, milliseconds of the cell.
const KNOCK_S: f64 = 0.005;
const KNOCK_MS: u64 = 256;
/// A world that is further behind the wall's clock than this gives the time up, seconds: it goes slower for a moment
/// instead of running so that no runtime can follow.
const BEHIND_S: f64 = 0.002;

/// How often a patient world looks for a late setpoint, seconds.
const PATIENT_S: f64 = 2e-4;
/// An image that is not through after this holds the cell's time up no longer, seconds.
const HAND_OVER_S: f64 = 0.2;

/// Why there is no world to connect to.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Somebody else listens there.
    #[error("{path} is another world's socket")]
    Taken {
        /// The socket.
        path: PathBuf,
    },
    /// The socket can't be made.
    #[error("{path}: {source}")]
    Listen {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Makes a socket for a world. The file of a world that has gone is replaced.
///
/// # Errors
/// [`HostError`].
pub fn listen(path: &Path) -> Result<UnixListener, HostError> {
    if path.exists() {
        if UnixStream::connect(path).is_ok() {
            return Err(HostError::Taken { path: path.into() });
        }
        // What can't be removed can't be bound either, and that names the reason.
        let _ = std::fs::remove_file(path);
    }
    let fault = |source| HostError::Listen { path: path.into(), source };
    let listener = UnixListener::bind(path).map_err(fault)?;
    listener.set_nonblocking(true).map_err(fault)?;
    Ok(listener)
}

/// Why a runtime is not served any more.
#[derive(Debug, thiserror::Error)]
enum Ended {
    /// It has gone.
    #[error(transparent)]
    Gone(#[from] SocketError),
    /// The world can't go on.
    #[error(transparent)]
    World(#[from] WorldFault),
}

/// How a world's time passes.
#[derive(Debug, Clone, Copy)]
pub struct Passing {
    /// The runtime's turns, or the wall.
    pub clock: Clock,
    /// On the wall's clock: for so long the cell's time waits for the setpoint of an arm that moves, seconds. A real arm
    /// waits for nobody.
    pub patience_s: f64,
}

/// Serves a world until it can't go on, and says why. `told` hears a line when something changes.
pub fn host(
    simulation: &Simulation,
    world: sim::World,
    seed: u64,
    passing: Passing,
    listener: &UnixListener,
    mut told: impl FnMut(&str),
) -> WorldFault {
    let clock = passing.clock;
    let mut host = Host {
        served: Served::new(world),
        scorer: Scorer::default(),
        clock,
        patience_s: passing.patience_s,
        newest: Timestamp::ZERO,
        hello: FromWorld::Hello { version: LINK_VERSION, clock, seed, manifests: simulation.manifests() },
        pace: Pace { since: Stopwatch::start(), ticks: 0 },
    };
    loop {
        let Some(mut socket) = knock(listener) else {
            if let Err(fault) = host.wait() {
                return fault;
            }
            continue;
        };
        match host.greet(&mut socket) {
            Ok(()) => {
                told("a runtime has come");
                match host.drive(&mut socket, listener) {
                    Ended::Gone(error) => told(&format!("the runtime has gone: {error}")),
                    Ended::World(fault) => {
                        // Whoever has gone meanwhile needs no answer.
                        let _ = socket.send(&FromWorld::Refused { reason: fault.to_string() });
                        return fault;
                    }
                }
                if let Err(fault) = host.come_to_rest() {
                    return fault;
                }
            }
            Err(reason) => {
                told(&format!("a runtime was refused: {reason}"));
                // Whoever has gone already needs no answer.
                let _ = socket.send(&FromWorld::Refused { reason });
            }
        }
    }
}

/// Somebody who wants in.
fn knock(listener: &UnixListener) -> Option<Socket> {
    let (stream, _) = listener.accept().ok()?;
    // The listener does not wait, its streams do until they are told otherwise.
    stream.set_nonblocking(false).ok()?;
    // Who says nothing keeps nobody waiting.
    stream.set_read_timeout(Some(std::time::Duration::from_secs(1))).ok()?;
    Some(Socket::new(stream))
}

struct Host {
    served: Served,
    scorer: Scorer,
    clock: Clock,
    patience_s: f64,
    /// When the newest setpoint is for.
    newest: Timestamp,
    hello: FromWorld,
    pace: Pace,
}

impl Host {
    /// Nobody is there: wall time passes, virtual time stands.
    fn wait(&mut self) -> Result<(), WorldFault> {
        match self.clock {
            Clock::Virtual => sleep_s(KNOCK_S),
            Clock::Wall => {
                self.pace.wait();
                self.served.step()?;
            }
        }
        Ok(())
    }

    /// The runtime has gone: the arm brakes, and the tool makes itself safe.
    fn come_to_rest(&mut self) -> Result<(), WorldFault> {
        self.served.abandon();
        if self.clock == Clock::Virtual {
            for _ in 0..AFTERWARDS_MS {
                self.served.step()?;
            }
        }
        Ok(())
    }

    fn greet(&mut self, socket: &mut Socket) -> Result<(), String> {
        match socket.poll() {
            Ok(Some(ToWorld::Hello { version, .. })) if version != LINK_VERSION => Err(format!(
                "the runtime speaks version {version} of the link, the world version {LINK_VERSION}; both must be the same"
            )),
            Ok(Some(ToWorld::Hello { clock, .. })) if clock != self.clock => Err(format!(
                "the runtime is on the {clock} clock, the world on the {} clock; start both with the same --clock",
                self.clock
            )),
            Ok(Some(ToWorld::Hello { .. })) => {
                self.served.welcome();
                self.newest = Timestamp::ZERO;
                socket.send(&self.hello).map_err(|error| error.to_string())
            }
            Ok(Some(_)) => Err("hello comes first".into()),
            Ok(None) => Err("no hello within a second".into()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Does what a runtime says until it goes.
    fn drive(&mut self, socket: &mut Socket, listener: &UnixListener) -> Ended {
        let mut drive = || -> Result<std::convert::Infallible, Ended> {
            socket.never_time_out()?;
            if self.clock == Clock::Wall {
                socket.never_wait()?;
            }
            let mut turn: u64 = 0;
            loop {
                turn += 1;
                if turn.is_multiple_of(KNOCK_MS)
                    && let Some(mut other) = knock(listener)
                {
                    let reason = "another runtime drives this world".to_owned();
                    let _ = other.send(&FromWorld::Refused { reason });
                }
                match self.clock {
                    Clock::Virtual => match socket.receive()? {
                        ToWorld::Turn(turn) => {
                            self.obey(turn);
                            let turned = Box::new(self.served.step()?);
                            socket.send(&FromWorld::Turned(turned))?;
                        }
                        other => self.answer(&other, socket)?,
                    },
                    Clock::Wall => {
                        // First the wait, then the word: what a runtime answers to a millisecond counts in the next.
                        self.pace.wait();
                        self.hear(socket)?;
                        self.be_patient(socket)?;
                        let turned = Box::new(self.served.step()?);
                        let (now, heavy) = (turned.now, !turned.images.is_empty());
                        socket.post(&FromWorld::Turned(turned))?;
                        if heavy {
                            self.hand_over(socket, now)?;
                        }
                    }
                }
            }
        };
        match drive() {
            Err(error) => error,
            Ok(never) => match never {},
        }
    }

    /// Takes what has come.
    fn hear(&mut self, socket: &mut Socket) -> Result<(), SocketError> {
        while let Some(message) = socket.poll()? {
            match message {
                ToWorld::Turn(turn) => {
                    self.newest = turn.setpoint.map_or(self.newest, |setpoint| setpoint.at);
                    self.obey(turn);
                }
                other => self.answer(&other, socket)?,
            }
        }
        Ok(())
    }

    /// Lets the cell's time wait for a runtime whose setpoint is late.
    fn be_patient(&mut self, socket: &mut Socket) -> Result<(), SocketError> {
        let now = self.served.world().now();
        let since = Stopwatch::start();
        while self.newest < now && since.seconds() < self.patience_s && self.served.world().arm_moves() {
            sleep_s(PATIENT_S);
            self.hear(socket)?;
        }
        Ok(())
    }

    /// Stands still until a message with an image is through and answered: a real camera has a wire of its own, and does
    /// not keep setpoints waiting.
    fn hand_over(&mut self, socket: &mut Socket, sent_at: Timestamp) -> Result<(), SocketError> {
        let since = Stopwatch::start();
        while since.seconds() < HAND_OVER_S {
            socket.flush()?;
            self.hear(socket)?;
            if self.newest >= sent_at {
                break;
            }
            std::thread::yield_now();
        }
        Ok(())
    }

    fn obey(&mut self, turn: Turn) {
        self.served.obey(&turn);
        let world = self.served.world();
        for mut bytes in turn.claims {
            // A claim that means nothing counts for nothing.
            if let Ok(claim) = decode_message::<Claim>(&mut bytes) {
                self.scorer.hear(&claim, world.world_from_tool().isometry(), &world.truth());
            }
        }
    }

    fn take_board(&mut self, page: &str) -> Result<(), String> {
        if self.clock != Clock::Wall {
            return Err("an emulated board has the wall's clock; start both with --clock wall".into());
        }
        self.served.set_controller(Page::open(Path::new(page)).map_err(|error| error.to_string())?);
        Ok(())
    }

    fn answer(&mut self, message: &ToWorld, socket: &mut Socket) -> Result<(), SocketError> {
        let answer = match message {
            ToWorld::Judge => {
                let mut bytes = Vec::new();
                encode_message(&self.scorer.tally(&self.served.world().truth()), &mut bytes)?;
                bytes.pop();
                FromWorld::Judged(bytes)
            }
            ToWorld::Board { page } => match self.take_board(page) {
                Ok(()) => return Ok(()),
                Err(reason) => FromWorld::Refused { reason },
            },
            ToWorld::Hello { .. } | ToWorld::Turn(_) => FromWorld::Refused { reason: "hello comes once".into() },
        };
        match self.clock {
            Clock::Virtual => socket.send(&answer),
            Clock::Wall => socket.post(&answer),
        }
    }
}

/// A millisecond of the cell for a millisecond of the wall.
struct Pace {
    since: Stopwatch,
    ticks: u64,
}

impl Pace {
    /// Waits until the next millisecond is due. One that is long overdue is given up, so that nothing runs to catch up.
    fn wait(&mut self) {
        self.ticks += 1;
        let early = self.ticks as f64 * 1e-3 - self.since.seconds();
        if early < -BEHIND_S {
            *self = Self { since: Stopwatch::start(), ticks: 0 };
        }
        sleep_s(early);
    }
}
