//! The stream driver against the firmware at the other end of a pty, a unix socket and TCP.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};

use control::{StreamTool, ToolAddress, ToolClient};
use firmware::{Gripper, Limits, Samples, State};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use scene::{Span, Timestamp};

const SUPPLIED: Samples = Samples {
    cup_pa: [0; firmware::CUPS],
    manifold_pa: 0,
    load_mn: 0,
    stroke_um: [0; firmware::CUPS],
    estop: false,
    supply_ok: true,
    release_input: false,
};

/// A tick of the firmware at its end of a stream.
fn tick(gripper: &mut Gripper, end: &mut (impl Read + Write), now_ms: u32) {
    let mut chunk = [0; 256];
    if let Ok(length) = end.read(&mut chunk) {
        gripper.receive(&chunk[..length]);
    }
    gripper.tick(now_ms, &SUPPLIED, |packet| {
        // A full pipe loses the packet, as a real line would.
        let _ = end.write(packet);
    });
}

/// Greets through a stream; the firmware is ticked beside.
#[expect(clippy::panic, reason = "a test that can't go on fails")]
fn greet(client: &mut ToolClient<StreamTool>, gripper: &mut Gripper, end: &mut (impl Read + Write), from: u32) {
    for ms in from..from + 2_000 {
        tick(gripper, end, ms);
        client.poll(Timestamp::ZERO + Span::from_millis(u64::from(ms))).unwrap();
        if client.is_up() && client.status().unwrap().state == State::Active {
            return;
        }
    }
    panic!("not greeted: {:?}, {:?}", client.counters(), client.tool_mut().counters());
}

#[test]
fn a_serial_line_is_opened_raw_and_the_tool_greeted_over_it() {
    let mut end = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).map(std::fs::File::from).unwrap();
    grantpt(&end).unwrap();
    unlockpt(&end).unwrap();
    rustix::io::ioctl_fionbio(&end, true).unwrap();
    let mut settings = tcgetattr(&end).unwrap();
    settings.make_raw();
    tcsetattr(&end, OptionalActions::Now, &settings).unwrap();
    let path = ptsname(&end, Vec::new()).unwrap().into_string().unwrap();
    let tool = StreamTool::open(format!("serial:{path}@921600").parse().unwrap()).unwrap();
    let mut client = ToolClient::new(tool, Limits::default());
    let mut gripper = Gripper::new();
    greet(&mut client, &mut gripper, &mut end, 1);
    assert_eq!(client.counters().bad, 0, "{:?}", client.tool_mut().counters());
}

#[test]
fn a_tool_behind_tcp_is_greeted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = ToolAddress::Tcp(listener.local_addr().unwrap());
    let mut client = ToolClient::new(StreamTool::open(address).unwrap(), Limits::default());
    let (mut end, _) = listener.accept().unwrap();
    end.set_nonblocking(true).unwrap();
    greet(&mut client, &mut Gripper::new(), &mut end, 1);
}

#[test]
fn a_link_that_breaks_is_opened_again_and_the_tool_greeted_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tool.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let mut client = ToolClient::new(StreamTool::open(ToolAddress::Unix(path)).unwrap(), Limits::default());
    let accept = || -> UnixStream {
        let (end, _) = listener.accept().unwrap();
        end.set_nonblocking(true).unwrap();
        end
    };
    let mut end = accept();
    let mut gripper = Gripper::new();
    greet(&mut client, &mut gripper, &mut end, 1);
    drop(end);
    for ms in 2_000..2_200 {
        gripper.tick(ms, &SUPPLIED, |_| {});
        client.poll(Timestamp::ZERO + Span::from_millis(u64::from(ms))).unwrap();
    }
    let counters = client.tool_mut().counters();
    assert_eq!(counters.connects, 2, "{counters:?}");
    let mut end = accept();
    client.greet_again();
    greet(&mut client, &mut gripper, &mut end, 2_200);
    assert_eq!(client.counters().sessions, 2);
}

#[test]
fn a_tool_that_does_not_come_back_is_closed_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tool.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let mut client = ToolClient::new(StreamTool::open(ToolAddress::Unix(path)).unwrap(), Limits::default());
    drop(listener.accept().unwrap());
    drop(listener);
    let polls = (1..5_000).map(|ms| client.poll(Timestamp::ZERO + Span::from_millis(ms)));
    let error = polls.filter_map(Result::err).next().unwrap();
    assert_eq!(error.to_string(), "tool: tool link is closed");
}

#[test]
fn addresses_are_read_and_what_is_none_is_refused_in_words() {
    for address in ["serial:/dev/ttyACM0@921600", "tcp:127.0.0.1:4000", "unix:/run/tool.sock"] {
        assert_eq!(address.parse::<ToolAddress>().unwrap().to_string(), address);
    }
    assert_eq!("serial:/dev/ttyS1".parse::<ToolAddress>().unwrap().to_string(), "serial:/dev/ttyS1@2000000");
    for wrong in ["/dev/ttyS1", "tcp:localhost", "serial:/dev/ttyS1@fast", "unix:", "can:can0"] {
        let said = wrong.parse::<ToolAddress>().unwrap_err().to_string();
        assert!(said.ends_with("must be serial:DEVICE, serial:DEVICE@BAUD, tcp:ADDRESS:PORT or unix:PATH"), "{said}");
    }
}
