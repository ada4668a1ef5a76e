//! The world as a process of its own: the same picks through the socket, and either side outlives the other.
#![cfg(test)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use control::{Clock, FromWorld, LINK_VERSION, ToWorld, Turn, Turned, decode_message, encode_message};
use firmware::{CupState, Limits, Packet, Report, Request, State, Status, VERSION, wire};
use serde_json::Value;

/// Fields that are measured on the wall.
const MEASURED: [&str; 6] = ["wall_s", "start_s", "rss_mb_max", "threads", "stage_ms", "machine"];

fn nuthatch() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nuthatch"));
    command.env("NUTHATCH_HOME", env!("CARGO_MANIFEST_DIR"));
    command
}

/// A process that is ended with the test.
struct Running {
    child: Child,
    lines: BufReader<ChildStderr>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        Self { child, lines }
    }

    /// Reads what it says until a line holds `words`.
    fn until(&mut self, words: &str) -> String {
        let mut all = String::new();
        while !all.lines().last().is_some_and(|line| line.contains(words)) {
            let read = self.lines.read_line(&mut all).unwrap();
            assert!(read > 0, "{words:?} never came: {all}");
        }
        all
    }

    /// What it says to its end, and its exit code.
    fn end(mut self) -> (String, Option<i32>) {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        (rest, self.child.wait().unwrap().code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A world that listens.
fn world(dir: &Path, more: &[&str]) -> (Running, PathBuf) {
    let socket = dir.join("world.sock");
    let mut world = Running::start(nuthatch().args(["world", "--socket"]).arg(&socket).args(more));
    world.until("listens at");
    (world, socket)
}

/// A scenario that is quickly made.
fn small(dir: &Path) -> String {
    let path = dir.join("small.toml");
    let text = "name = \"small\"\ncell = \"default\"\n[[tote]]\nname = \"tote-a\"\ncontents = { rice-500 = 1 }\n";
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// A runtime's end of the link by hand.
struct Client {
    stream: UnixStream,
    reader: BufReader<UnixStream>,
    session: u16,
    seq: u8,
}

impl Client {
    fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        // Each host opens a session of its own.
        static SESSIONS: AtomicU16 = AtomicU16::new(1);
        Self { stream, reader, session: SESSIONS.fetch_add(1, Ordering::Relaxed), seq: 0 }
    }

    fn send(&mut self, message: &ToWorld) {
        let mut bytes = Vec::new();
        encode_message(message, &mut bytes).unwrap();
        self.stream.write_all(&bytes).unwrap();
    }

    fn receive(&mut self) -> FromWorld {
        let mut bytes = Vec::new();
        self.reader.read_until(0, &mut bytes).unwrap();
        assert_eq!(bytes.pop(), Some(0), "the world closed the socket");
        decode_message(&mut bytes).unwrap()
    }

    fn hello(socket: &Path, version: u16, clock: Clock) -> (Self, FromWorld) {
        let mut client = Self::connect(socket);
        client.send(&ToWorld::Hello { version, clock });
        let answer = client.receive();
        (client, answer)
    }

    fn turned(&mut self) -> Turned {
        match self.receive() {
            FromWorld::Turned(turned) => *turned,
            other => panic!("{other:?} instead of a turn"),
        }
    }

    /// One turn with packets for the tool.
    fn turn(&mut self, requests: &[Request]) -> Turned {
        let mut turn = Turn::default();
        for &body in requests {
            let mut buffer = [0; wire::MAX_PACKET];
            let length = wire::encode(&Packet { session: self.session, seq: self.seq, body }, &mut buffer).unwrap();
            self.seq = self.seq.wrapping_add(1);
            turn.packets.push(buffer[..length].to_vec());
        }
        self.send(&ToWorld::Turn(turn));
        self.turned()
    }
}

fn reports(turned: &Turned) -> impl Iterator<Item = Report> {
    let mut decoder = wire::Decoder::<Report, { wire::MAX_PACKET }>::new();
    turned.packets.iter().flatten().filter_map(move |&byte| decoder.push(byte)).map(|packet| packet.body)
}

/// The newest status among a tool's packets.
fn status(turned: &Turned) -> Option<Status> {
    reports(turned).filter_map(|report| if let Report::Status(status) = report { Some(status) } else { None }).last()
}

fn state(turned: &Turned) -> Option<State> {
    status(turned).map(|status| status.state)
}

/// Hands everything on between one runtime and a world that is on the virtual clock, until the world says `enough`.
fn relay(runtime: &UnixStream, world: &UnixStream, mut enough: impl FnMut(&Turned) -> bool) {
    let mut ends = [runtime, world].map(BufReader::new);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        ends[0].read_until(0, &mut bytes).unwrap();
        assert_eq!(bytes.last(), Some(&0), "the runtime has gone");
        (&mut &*world).write_all(&bytes).unwrap();
        bytes.clear();
        ends[1].read_until(0, &mut bytes).unwrap();
        assert_eq!(bytes.last(), Some(&0), "the world has gone");
        (&mut &*runtime).write_all(&bytes).unwrap();
        bytes.pop();
        if let FromWorld::Turned(turned) = decode_message(&mut bytes).unwrap()
            && enough(&turned)
        {
            return;
        }
    }
}

fn refusal(answer: FromWorld) -> String {
    match answer {
        FromWorld::Refused { reason } => reason,
        other => panic!("{other:?} instead of a refusal"),
    }
}

#[test]
fn a_runtime_that_does_not_fit_is_refused_in_words_and_the_next_one_is_welcome() {
    let dir = tempfile::tempdir().unwrap();
    let (_world, socket) = world(dir.path(), &["--scenario", &small(dir.path())]);
    let (_, answer) = Client::hello(&socket, LINK_VERSION + 1, Clock::Virtual);
    assert_eq!(refusal(answer), "the runtime speaks version 3 of the link, the world version 2; both must be the same");
    let (_, answer) = Client::hello(&socket, LINK_VERSION, Clock::Wall);
    let words = "the runtime is on the wall clock, the world on the virtual clock; start both with the same --clock";
    assert_eq!(refusal(answer), words);
    let mut early = Client::connect(&socket);
    early.send(&ToWorld::Judge);
    assert_eq!(refusal(early.receive()), "hello comes first");
    let mut noise = Client::connect(&socket);
    noise.stream.write_all(&[1, 2, 3, 0]).unwrap();
    assert!(refusal(noise.receive()).starts_with("message of 3 bytes"));
    let (mut client, answer) = Client::hello(&socket, LINK_VERSION, Clock::Virtual);
    let FromWorld::Hello { seed, manifests, .. } = answer else { panic!("{answer:?}") };
    assert_eq!((seed, manifests["tote-a"].values().sum::<u32>()), (0, 1));
    // While it drives, nobody else gets in.
    let mut other = Client::connect(&socket);
    for _ in 0..300 {
        client.turn(&[]);
    }
    assert_eq!(refusal(other.receive()), "another runtime drives this world");
    let second =
        nuthatch().args(["world", "--socket"]).arg(&socket).args(["--scenario", &small(dir.path())]).output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&second.stderr).contains("is another world's socket"));
}

#[test]
fn a_world_outlives_its_runtime_with_a_tool_that_is_safe_by_silence() {
    let dir = tempfile::tempdir().unwrap();
    let (_world, socket) = world(dir.path(), &["--scenario", &small(dir.path())]);
    let (mut first, _) = Client::hello(&socket, LINK_VERSION, Clock::Virtual);
    let greeting = [Request::Hello { version: VERSION }, Request::Limits(Limits::default()), Request::Arm];
    first.turn(&greeting);
    let last = (0..20).map(|_| first.turn(&[Request::Heartbeat])).last().unwrap();
    assert_eq!(state(&last), Some(State::Active));
    drop(first);
    let (mut second, answer) = Client::hello(&socket, LINK_VERSION, Clock::Virtual);
    assert!(matches!(answer, FromWorld::Hello { .. }), "{answer:?}");
    let found = second.turn(&[]);
    assert_eq!(state(&found), Some(State::SafeEmpty), "nobody spoke to it");
    assert!(found.now.since(last.now).seconds() > 1.0, "time went on until all was safe");
    assert!(!found.arm.unwrap().stopped, "a new runtime may drive the arm");
    second.turn(&greeting);
    assert_eq!(
        (0..20).map(|_| second.turn(&[Request::Heartbeat])).filter_map(|t| state(&t)).last(),
        Some(State::Active)
    );
}

#[test]
fn on_the_walls_clock_the_world_goes_on_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let (_world, socket) = world(dir.path(), &["--clock", "wall", "--scenario", &small(dir.path())]);
    let (mut client, answer) = Client::hello(&socket, LINK_VERSION, Clock::Wall);
    assert!(matches!(answer, FromWorld::Hello { clock: Clock::Wall, .. }), "{answer:?}");
    let first = client.turned().now;
    let times: Vec<u64> = (1..=200).map(|_| client.turned().now.since(first).nanos()).collect();
    assert_eq!(times, (1..=200).map(|ms| ms * 1_000_000).collect::<Vec<_>>(), "a message a millisecond, none missing");
    client.send(&ToWorld::Judge);
    assert!((0..2_000).any(|_| matches!(client.receive(), FromWorld::Judged(_))), "it answers between two turns");
    drop(client);
    let (mut next, _) = Client::hello(&socket, LINK_VERSION, Clock::Wall);
    assert!(next.turned().now.since(first).nanos() > 200_000_000, "and goes on while nobody is there");
}

mod slow {
    use super::*;

    /// Sixteen items of the default tote, so that ten are attempted in any case.
    fn orders(dir: &Path) -> String {
        let path = dir.join("sixteen.toml");
        let text = "[[order]]\nname = \"a\"\nbin = \"bin-1\"\nlines = { tea-box-250 = 2, rice-500 = 2, soap-bar-3-pack = 2, playing-cards-2-pack = 2 }\n\
             [[order]]\nname = \"b\"\nbin = \"bin-2\"\nlines = { mint-tea-box-250 = 2, tomato-can-400 = 2, usb-charger-20w = 2, oat-biscuits-300 = 2 }\n";
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn run(dir: &Path, more: &[&str]) -> (Option<i32>, BTreeMap<String, Value>) {
        let output = nuthatch().args(["run", "--json", "--record"]).arg(dir).args(more).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let last = text.lines().last().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code(), serde_json::from_str(last).unwrap())
    }

    #[test]
    fn ten_picks_through_the_socket_are_those_of_one_process() {
        let (dir, inside, outside) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let orders = orders(dir.path());
        let (code, report) = run(inside.path(), &["--seed", "5", "--orders", &orders]);
        let (_world, socket) = world(dir.path(), &["--seed", "5"]);
        let (code_there, there) = run(outside.path(), &["--world", &socket.display().to_string(), "--orders", &orders]);
        assert!(report["picks_attempted"].as_u64().unwrap() >= 10, "{report:?}");
        assert_eq!(code, code_there);
        for (field, value) in &report {
            if !MEASURED.contains(&field.as_str()) {
                assert_eq!(Some(value), there.get(field), "{field} differs through the socket");
            }
        }
        for file in ["picks.jsonl", "verdicts.jsonl"] {
            let read = |dir: &Path| std::fs::read_to_string(dir.join(file)).unwrap();
            assert_eq!(read(inside.path()), read(outside.path()), "{file} differs through the socket");
        }
    }

    /// In real time: `.config/nextest.toml` gives it the machine, and a second try should somebody else have been busy.
    #[test]
    fn five_picks_and_more_with_the_firmware_s_image_on_an_emulated_board() {
        let image = Path::new(env!("CARGO_MANIFEST_DIR")).join("firmware/boards/target/images/mps2-an386");
        let insists = ["CI", "NUTHATCH_NEEDS_EMULATOR"].iter().any(|name| std::env::var_os(name).is_some());
        if !image.exists() && !insists {
            eprintln!("skipped: {} is not there; make firmware builds it", image.display());
            return;
        }
        let (dir, record) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let orders = orders(dir.path());
        let (_world, socket) = world(dir.path(), &["--seed", "5", "--clock", "wall", "--patience-ms", "500"]);
        let socket = socket.display().to_string();
        let args = ["--world", &socket, "--clock", "wall", "--tool", "emulator", "--orders", &orders];
        let (code, report) = run(record.path(), &args);
        assert!(matches!(code, Some(0 | 1)), "{code:?} {report:?}");
        assert!(report["picks_succeeded"].as_u64().unwrap() >= 5, "{report:?}");
        assert_eq!(report["wrong_items"], 0, "{report:?}");
    }

    #[test]
    fn an_emulated_board_needs_the_wall_s_clock() {
        let dir = tempfile::tempdir().unwrap();
        let output = nuthatch().args(["run", "--tool", "emulator"]).current_dir(dir.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("--tool emulator without --clock wall"), "{said}");
        let (_world, socket) = world(dir.path(), &["--scenario", &small(dir.path())]);
        let (mut client, _) = Client::hello(&socket, LINK_VERSION, Clock::Virtual);
        client.send(&ToWorld::Board { page: dir.path().join("page").display().to_string() });
        assert_eq!(refusal(client.receive()), "an emulated board has the wall's clock; start both with --clock wall");
    }

    #[test]
    fn what_a_killed_runtime_carried_hangs_on_the_tool_still_and_the_tool_tells_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let (_world, socket) = world(dir.path(), &["--seed", "5"]);
        let between = dir.path().join("between.sock");
        let listener = std::os::unix::net::UnixListener::bind(&between).unwrap();
        let orders = orders(dir.path());
        let mut command = nuthatch();
        command.args(["run", "--orders", &orders, "--world"]).arg(&between).current_dir(dir.path());
        let mut runtime = Running::start(&mut command);
        let (at_runtime, _) = listener.accept().unwrap();
        let at_world = UnixStream::connect(&socket).unwrap();
        let sealed = |status: &Status| status.cups.iter().filter(|cup| cup.state == CupState::Sealed).count();
        let mut carried = None;
        relay(&at_runtime, &at_world, |turned| {
            let arm = turned.arm.as_ref().unwrap();
            // At speed, with something whose weight the scale sees.
            let fast = arm.dq.iter().fold(0.0_f64, |most, rate| most.max(rate.abs())) > 1.0;
            carried = status(turned).filter(|status| fast && sealed(status) > 0 && status.load_mn > 1_000);
            carried.is_some()
        });
        let carried = carried.unwrap();
        runtime.child.kill().unwrap();
        drop((runtime, at_runtime, at_world));

        let (mut next, _) = Client::hello(&socket, LINK_VERSION, Clock::Virtual);
        let first = next.turn(&[]);
        let (found, arm_at) = (status(&first).unwrap(), first.arm.unwrap().q);
        assert!(found.time_ms.wrapping_sub(carried.time_ms) >= 2_000, "two seconds later");
        assert_eq!(found.state, State::SafeHolding);
        assert_eq!(sealed(&found), sealed(&carried), "the same cups hold");
        assert!(found.load_mn > 1_000, "{} mN hang on it", found.load_mn);
        drop(next);

        // A runtime that comes back is told, moves nothing and drops nothing.
        let mut command = nuthatch();
        command.args(["run", "--orders", &orders, "--world"]).arg(&socket).current_dir(dir.path());
        let (said, code) = Running::start(&mut command).end();
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains("tool holds something on cups") && said.contains("nothing was moved"), "{said}");
        let (mut last, _) = Client::hello(&socket, LINK_VERSION, Clock::Virtual);
        let left = last.turn(&[]);
        let status = status(&left).unwrap();
        assert_eq!((status.state, sealed(&status)), (State::SafeHolding, sealed(&carried)));
        assert!(left.arm.unwrap().q.largest_difference(&arm_at) < 1e-4, "the arm stands where it stood");
    }

    #[test]
    fn a_runtime_whose_world_is_killed_says_so_and_a_world_whose_runtime_is_killed_takes_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let orders = orders(dir.path());
        let (mut first_world, socket) = world(dir.path(), &["--seed", "5"]);
        let runtime = || {
            let mut command = nuthatch();
            command.args(["run", "--orders", &orders, "--world"]).arg(&socket).current_dir(dir.path());
            Running::start(&mut command)
        };
        let mut killed = runtime();
        killed.until("pick 1 ");
        drop(killed);
        first_world.until("the runtime has gone");
        // What a new runtime does with an arm that stands anywhere is its own matter: it is let in.
        let (_, answer) = Client::hello(&socket, LINK_VERSION, Clock::Virtual);
        assert!(matches!(answer, FromWorld::Hello { .. }), "{answer:?}");
        drop(first_world);
        let (second_world, _) = world(dir.path(), &["--seed", "5"]);
        let mut next = runtime();
        next.until("pick 1 ");
        drop(second_world);
        let (said, code) = next.end();
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains("world link is closed") && !said.contains("panicked"), "{said}");
    }
}
