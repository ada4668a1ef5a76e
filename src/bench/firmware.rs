//! `nuthatch bench firmware`: the gripper's image on an emulated board, through the driver that a real tool has.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use control::{Emulator, LinkError, StreamTool, Tool};
use firmware::page::{self, Words, at};
use firmware::wire::{self, Decoder, MAX_PACKET, WireError};
use firmware::{CupSet, Limits, Outputs, Packet, Report, Request, Samples, State, VERSION};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::board::{self, BoardError};
use crate::bringup::home;
use crate::cli::{CliError, FirmwareArgs};
use crate::clock::{Stopwatch, sleep_s};
use crate::report::Machine;

/// Requests answered one after another, and seconds of as many as go.
const ROUND_TRIPS: usize = 2_000;
const RUSH_S: f64 = 2.0;
/// Requests under way in the rush: half of what the gripper queues.
const AT_ONCE: usize = 4;
/// A request without an answer is sent again after this, seconds.
const AGAIN_S: f64 = 0.025;
/// Silences and e-stops.
const SILENCES: usize = 30;
const E_STOPS: usize = 100;
/// Anything that takes longer has failed, seconds.
const PATIENCE_S: f64 = 10.0;
/// How long a seek goes before the host falls silent or the e-stop is pressed, seconds.
const SEEK_S: f64 = 0.02;

#[derive(Serialize)]
struct FirmwareFigures {
    bench: &'static str,
    machine: Machine,
    /// From a request to its answer, at the host.
    rtt_us_p50: f64,
    rtt_us_p99: f64,
    /// With four under way.
    requests_per_s: f64,
    /// Requests that were sent again, of all of this bench's: a packet was lost.
    repeated: u32,
    /// From the host's last byte, and from the pressed input, until valves and generator are safe.
    silence_to_safe_ms_max: f64,
    estop_to_safe_ms_max: f64,
    /// Starts of the image in all of that: 1 where nothing reset it.
    boots: u32,
    flash_bytes: u64,
    /// Variables, the whole stack, and what outlives a reset.
    ram_bytes: u64,
    /// Of the stack what was ever used.
    stack_bytes: u32,
    /// The default orders through the emulated board on the wall's clock; none without `--full`.
    orders: Option<serde_json::Value>,
}

#[derive(Debug, thiserror::Error)]
enum FirmwareError {
    #[error(transparent)]
    Board(#[from] BoardError),
    #[error("tool link at {address}: {source}")]
    Open { address: String, source: std::io::Error },
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Encode(#[from] WireError),
    #[error("waited {PATIENCE_S:.0} s until {what}")]
    Waited { what: &'static str },
    #[error("{}: {rule}", path.display())]
    Sizes { path: PathBuf, rule: String },
    #[error("{what}: {rule}")]
    Orders { what: &'static str, rule: String },
}

/// Runs the workload and prints its figures.
///
/// # Errors
/// [`CliError`] where the image or the emulator is missing, and where the board does not answer.
pub fn run(args: &FirmwareArgs) -> Result<(), CliError> {
    let sizes = Sizes::read().map_err(CliError::input)?;
    let board = board::start().map_err(CliError::input)?;
    let figures = measure(board, &sizes, args.full).map_err(CliError::fault)?;
    if args.json {
        println!("{}", serde_json::to_string(&figures).map_err(CliError::fault)?);
        return Ok(());
    }
    println!("firmware: the image on an emulated mps2-an386, over a unix socket");
    println!("  round trip p50 / p99, µs       {:>8.0} / {:.0}", figures.rtt_us_p50, figures.rtt_us_p99);
    println!("  requests a second, {AT_ONCE} under way {:>7.0}", figures.requests_per_s);
    println!("  requests sent again            {:>8}", figures.repeated);
    println!("  silence to safe, worst of {SILENCES}, ms  {:>5.1}", figures.silence_to_safe_ms_max);
    println!("  e-stop to safe, worst of {E_STOPS}, ms  {:>5.1}", figures.estop_to_safe_ms_max);
    println!("  starts of the image            {:>8}", figures.boots);
    println!(
        "  flash, RAM, stack used, bytes  {:>8} / {} / {}",
        figures.flash_bytes, figures.ram_bytes, figures.stack_bytes
    );
    if let Some(orders) = &figures.orders {
        let count = |name: &str| orders.get(name).map_or_else(|| "?".into(), ToString::to_string);
        println!("  default orders: {} of {} items delivered", count("items_delivered"), count("items_ordered"));
    }
    Ok(())
}

fn measure(board: Emulator, sizes: &Sizes, full: bool) -> Result<FirmwareFigures, FirmwareError> {
    let bar = ProgressBar::new((ROUND_TRIPS / 100 + SILENCES + E_STOPS) as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {msg} · {eta} left") {
        bar.set_style(style.progress_chars("━╸ "));
    }
    let mut host = Host::open(board)?;
    host.arm()?;
    bar.set_message("round trips");
    let mut trips_us = Vec::with_capacity(ROUND_TRIPS);
    for trip in 0..ROUND_TRIPS {
        let since = Stopwatch::start();
        host.ask(Request::Light { percent: (trip % 100) as u8 })?;
        trips_us.push(since.seconds() * 1e6);
        bar.inc(u64::from(trip % 100 == 0));
    }
    trips_us.sort_by(f64::total_cmp);
    let part = |share: f64| trips_us[((ROUND_TRIPS as f64 * share) as usize).min(ROUND_TRIPS - 1)];
    let requests_per_s = host.rush()?;
    bar.set_message("silences");
    let mut silence_to_safe_ms_max = 0.0_f64;
    for _ in 0..SILENCES {
        host.arm()?;
        host.seek()?;
        // The heartbeat is the last byte; from there on nothing is said.
        host.send(Request::Heartbeat)?;
        let since = Stopwatch::start();
        host.until_safe()?;
        silence_to_safe_ms_max = silence_to_safe_ms_max.max(since.seconds() * 1e3);
        bar.inc(1);
    }
    bar.set_message("e-stops");
    let mut estop_to_safe_ms_max = 0.0_f64;
    for _ in 0..E_STOPS {
        host.arm()?;
        host.seek()?;
        let since = Stopwatch::start();
        host.press(true);
        host.until_safe()?;
        estop_to_safe_ms_max = estop_to_safe_ms_max.max(since.seconds() * 1e3);
        host.press(false);
        bar.inc(1);
    }
    let repeated = host.repeated;
    let page = host.board.page();
    let (boots, stack_bytes) = (page.word(at::BOOTS), page.word(at::STACK).saturating_sub(page.word(at::STACK_FREE)));
    drop(host);
    bar.set_message("the default orders");
    let orders = full.then(default_orders).transpose()?;
    bar.finish_and_clear();
    Ok(FirmwareFigures {
        bench: "firmware",
        machine: Machine::this(),
        rtt_us_p50: part(0.5),
        rtt_us_p99: part(0.99),
        requests_per_s,
        repeated,
        silence_to_safe_ms_max,
        estop_to_safe_ms_max,
        boots,
        flash_bytes: sizes.flash_bytes,
        ram_bytes: sizes.ram_bytes,
        stack_bytes,
        orders,
    })
}

/// The bare link, without the client's pacing: one session after another.
struct Host {
    board: Emulator,
    link: StreamTool,
    decoder: Decoder<Report, MAX_PACKET>,
    session: u16,
    seq: u8,
    repeated: u32,
    /// The newest state that was reported.
    state: Option<State>,
}

impl Host {
    fn open(board: Emulator) -> Result<Self, FirmwareError> {
        let address = board.address();
        let link = StreamTool::open(address.clone())
            .map_err(|source| FirmwareError::Open { address: address.to_string(), source })?;
        Ok(Self { board, link, decoder: Decoder::new(), session: 0, seq: 0, repeated: 0, state: None })
    }

    fn send(&mut self, body: Request) -> Result<u8, FirmwareError> {
        let mut buffer = [0; MAX_PACKET];
        let seq = self.seq;
        let length = wire::encode(&Packet { session: self.session, seq, body }, &mut buffer)?;
        self.link.send(&buffer[..length])?;
        self.seq = seq.wrapping_add(1);
        Ok(seq)
    }

    /// Reads what has come; gives how many requests were answered, and whether the one of this number was.
    fn hear(&mut self, seq: u8) -> Result<(usize, bool), FirmwareError> {
        let mut buffer = [0; MAX_PACKET];
        let (mut answers, mut ours) = (0, false);
        while let Some(length) = self.link.receive(&mut buffer)? {
            for packet in buffer[..length].iter().filter_map(|&byte| self.decoder.push(byte)) {
                match packet.body {
                    Report::Done { seq: of } | Report::Refused { seq: of, .. } => {
                        answers += 1;
                        ours |= of == seq && packet.session == self.session;
                    }
                    Report::Status(status) => self.state = Some(status.state),
                    _ => {}
                }
            }
        }
        Ok((answers, ours))
    }

    /// Sends a request and waits for its answer, looking as often as the system lets it; sends it again where none comes, as a client does.
    fn ask(&mut self, request: Request) -> Result<(), FirmwareError> {
        let seq = self.send(request)?;
        let mut since = Stopwatch::start();
        self.until("a request is answered", |host| {
            if since.seconds() > AGAIN_S {
                since = Stopwatch::start();
                host.seq = seq;
                host.send(request)?;
                host.repeated += 1;
            }
            Ok(host.hear(seq)?.1)
        })
    }

    fn until(
        &mut self,
        what: &'static str,
        mut done: impl FnMut(&mut Self) -> Result<bool, FirmwareError>,
    ) -> Result<(), FirmwareError> {
        let since = Stopwatch::start();
        while !done(self)? {
            if since.seconds() > PATIENCE_S {
                return Err(FirmwareError::Waited { what });
            }
            sleep_s(1e-6);
        }
        Ok(())
    }

    /// Opens a session and arms, with the limits' own deadline of 100 ms.
    fn arm(&mut self) -> Result<(), FirmwareError> {
        self.session = self.session.wrapping_add(1);
        self.ask(Request::Hello { version: VERSION })?;
        self.ask(Request::Limits(Limits::default()))?;
        self.ask(Request::Arm)?;
        self.until("it is armed", |host| {
            host.hear(0)?;
            Ok(host.state == Some(State::Active))
        })
    }

    /// As many requests as the gripper takes: requests a second.
    fn rush(&mut self) -> Result<f64, FirmwareError> {
        let (mut under_way, mut answered) = (0_usize, 0_usize);
        let since = Stopwatch::start();
        while since.seconds() < RUSH_S {
            while under_way < AT_ONCE {
                self.send(Request::Light { percent: 1 })?;
                under_way += 1;
            }
            let (answers, _) = self.hear(0)?;
            answered += answers;
            under_way = under_way.saturating_sub(answers);
            std::thread::yield_now();
        }
        Ok(answered as f64 / since.seconds())
    }

    /// Cup 0 seeks: its valve is on vacuum and the generator runs.
    fn seek(&mut self) -> Result<(), FirmwareError> {
        self.ask(Request::Seek { cups: CupSet::single(0), expected_pa: 60_000 })?;
        self.until("a cup seeks", |host| {
            let outputs = page::outputs(host.board.page());
            Ok(outputs.generator && !outputs.vent[0])
        })?;
        sleep_s(SEEK_S);
        Ok(())
    }

    fn press(&self, estop: bool) {
        page::put_samples(self.board.page(), &Samples { supply_ok: true, estop, ..Samples::default() });
    }

    /// Nothing is held, so safe is: all vented, the generator off.
    fn until_safe(&mut self) -> Result<(), FirmwareError> {
        let safe = Outputs { vent: [true; 6], ..Outputs::default() };
        self.until("valves and generator are safe", |host| {
            let outputs = page::outputs(host.board.page());
            Ok(Outputs { light_percent: 0, ..outputs } == safe)
        })
    }
}

/// What `make firmware` has measured of the image.
struct Sizes {
    flash_bytes: u64,
    ram_bytes: u64,
}

impl Sizes {
    fn read() -> Result<Self, FirmwareError> {
        let path = home().map_err(BoardError::from)?.join(board::IMAGE).with_extension("sizes");
        let bad = |rule: String| FirmwareError::Sizes { path: path.clone(), rule };
        let text = std::fs::read_to_string(&path).map_err(|error| bad(format!("{error}; make firmware writes it")))?;
        let size = |name: &str| {
            let words = text.split_whitespace().skip_while(|word| *word != name).nth(1);
            words.and_then(|word| word.parse().ok()).ok_or_else(|| bad(format!("no {name} with a number")))
        };
        Ok(Self { flash_bytes: size("flash")?, ram_bytes: size("ram")? })
    }
}

/// Ends with what started it.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The default orders by this program as two processes, on the wall's clock: its report.
fn default_orders() -> Result<serde_json::Value, FirmwareError> {
    let bad = |what: &'static str| move |error: std::io::Error| FirmwareError::Orders { what, rule: error.to_string() };
    let dir = tempfile::tempdir().map_err(bad("temporary folder"))?;
    let program = std::env::current_exe().map_err(bad("this program"))?;
    let socket = dir.path().join("world.sock");
    let begin = |args: &[&str], dir: &Path| {
        let mut command = Command::new(&program);
        command.args(args).arg(&socket).args(["--clock", "wall"]).current_dir(dir);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    };
    let _world = Ended(begin(&["world", "--socket"], dir.path()).map_err(bad("world"))?);
    let args = ["run", "--tool", "emulator", "--world"];
    let mut runtime = Ended(begin(&args, dir.path()).map_err(bad("run"))?);
    let code = runtime.0.wait().map_err(bad("run"))?.code();
    let text = std::fs::read_to_string(dir.path().join("report.json"))
        .map_err(|_| FirmwareError::Orders { what: "run", rule: format!("ended with code {code:?} and no report") })?;
    serde_json::from_str(&text).map_err(|error| FirmwareError::Orders { what: "report.json", rule: error.to_string() })
}
