//! A tool at the end of a stream of bytes: a serial line, TCP or a unix socket.

use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use firmware::wire::MAX_PACKET;
use rustix::fs::{Mode, OFlags};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::{LinkError, Tool};

/// Bits a second where an address names none: what the boards' UARTs run at.
const BAUD: u32 = 2_000_000;
/// A link that is down is tried again after so many calls of [`Tool::receive`] that gave nothing: one a millisecond as
/// the client polls.
const TRY_EVERY: u32 = 20;
/// After so many such tries the tool counts as gone: two seconds.
const TRIES: u32 = 100;
/// A TCP connection that is not there after this is tried again later; meanwhile nothing else is done.
const CONNECT_WITHIN: Duration = Duration::from_millis(20);
/// Bytes that are read at once.
const CHUNK: usize = 1_024;

/// Where a tool is: `serial:/dev/ttyACM0`, `serial:/dev/ttyS1@921600`, `tcp:10.0.0.7:4000`, `unix:/run/tool.sock`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolAddress {
    /// A serial line, eight bits, no parity.
    Serial {
        /// The device.
        path: PathBuf,
        /// Bits a second.
        baud: u32,
    },
    /// A TCP port.
    Tcp(SocketAddr),
    /// A unix socket.
    Unix(PathBuf),
}

/// An address that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tool address {address:?}; must be serial:DEVICE, serial:DEVICE@BAUD, tcp:ADDRESS:PORT or unix:PATH")]
pub struct AddressError {
    /// What was given.
    pub address: String,
}

impl FromStr for ToolAddress {
    type Err = AddressError;

    fn from_str(address: &str) -> Result<Self, AddressError> {
        let refuse = || AddressError { address: address.into() };
        let (kind, rest) = address.split_once(':').filter(|(_, rest)| !rest.is_empty()).ok_or_else(refuse)?;
        match kind {
            "serial" => {
                let (path, baud) = match rest.rsplit_once('@') {
                    Some((path, baud)) => (path, baud.parse().map_err(|_| refuse())?),
                    None => (rest, BAUD),
                };
                Ok(Self::Serial { path: path.into(), baud })
            }
            "tcp" => rest.parse().map(Self::Tcp).map_err(|_| refuse()),
            "unix" => Ok(Self::Unix(rest.into())),
            _ => Err(refuse()),
        }
    }
}

impl fmt::Display for ToolAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial { path, baud } => write!(f, "serial:{}@{baud}", path.display()),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What a stream has carried and lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamCounters {
    /// Connections made, the first included.
    pub connects: u32,
    /// Packets handed to the system.
    pub sent: u64,
    /// Stretches up to a zero byte that came.
    pub received: u64,
    /// Packets that were not sent: the link was down, or the system took no more.
    pub unsent: u64,
    /// Bytes that came without a zero byte for longer than any packet, and were dropped.
    pub noise_bytes: u64,
}

/// Bytes both ways, neither of which waits.
trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A tool that is reached over a stream. A link that breaks is opened again by itself; meanwhile nothing is sent and
/// nothing comes, which the tool's own deadline and the client's counters see.
pub struct StreamTool {
    address: ToolAddress,
    stream: Option<Box<dyn Stream>>,
    inbox: Vec<u8>,
    /// Calls that gave nothing since the last try, and tries since the link went down.
    idle: u32,
    tries: u32,
    counters: StreamCounters,
}

impl fmt::Debug for StreamTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamTool").field("address", &self.address).finish_non_exhaustive()
    }
}

impl StreamTool {
    /// Opens a tool's address.
    ///
    /// # Errors
    /// What the system says; nothing was sent.
    pub fn open(address: ToolAddress) -> std::io::Result<Self> {
        let stream = connect(&address)?;
        let counters = StreamCounters { connects: 1, ..StreamCounters::default() };
        Ok(Self { address, stream: Some(stream), inbox: Vec::with_capacity(CHUNK), idle: 0, tries: 0, counters })
    }

    /// What the stream has carried and lost so far.
    #[must_use]
    pub fn counters(&self) -> StreamCounters {
        self.counters
    }

    /// True while there is a connection, as far as is known.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    fn close(&mut self) {
        self.stream = None;
        self.inbox.clear();
        self.idle = 0;
        self.tries = 0;
    }

    /// Opens a link again that is down, now and then.
    fn reopen(&mut self) -> Result<(), LinkError> {
        self.idle += 1;
        if self.idle < TRY_EVERY {
            return Ok(());
        }
        self.idle = 0;
        if let Ok(stream) = connect(&self.address) {
            self.stream = Some(stream);
            self.tries = 0;
            self.counters.connects = self.counters.connects.saturating_add(1);
            return Ok(());
        }
        self.tries += 1;
        if self.tries >= TRIES { Err(LinkError::Closed { device: "tool" }) } else { Ok(()) }
    }

    /// The first whole packet of what has come, its zero byte included.
    fn next_packet(&mut self, into: &mut [u8]) -> Result<Option<usize>, LinkError> {
        let Some(end) = self.inbox.iter().position(|&byte| byte == 0) else {
            if self.inbox.len() > MAX_PACKET {
                self.counters.noise_bytes += self.inbox.len() as u64;
                self.inbox.clear();
            }
            return Ok(None);
        };
        let length = end + 1;
        self.counters.received += 1;
        let room = into.len();
        let place = into.get_mut(..length);
        let fits = place.is_some();
        if let (Some(place), Some(packet)) = (place, self.inbox.get(..length)) {
            place.copy_from_slice(packet);
        }
        self.inbox.drain(..length);
        if fits { Ok(Some(length)) } else { Err(LinkError::TooLong { device: "tool", bytes: length, room }) }
    }
}

impl Tool for StreamTool {
    fn send(&mut self, packet: &[u8]) -> Result<(), LinkError> {
        let Some(stream) = &mut self.stream else {
            self.counters.unsent += 1;
            return Ok(());
        };
        match stream.write(packet) {
            Ok(taken) if taken == packet.len() => self.counters.sent += 1,
            // Half a packet fails its checksum; the request is sent again.
            Ok(_) => self.counters.unsent += 1,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                self.counters.unsent += 1;
            }
            Err(_) => {
                self.counters.unsent += 1;
                self.close();
            }
        }
        Ok(())
    }

    fn receive(&mut self, into: &mut [u8]) -> Result<Option<usize>, LinkError> {
        if let Some(length) = self.next_packet(into)? {
            return Ok(Some(length));
        }
        let Some(stream) = &mut self.stream else {
            self.reopen()?;
            return Ok(None);
        };
        let mut chunk = [0; CHUNK];
        match stream.read(&mut chunk) {
            // A serial line that is set so gives nothing where nothing has come; a socket's other end has gone.
            Ok(0) if matches!(self.address, ToolAddress::Serial { .. }) => Ok(None),
            Ok(0) => {
                self.close();
                Ok(None)
            }
            Ok(length) => {
                self.inbox.extend_from_slice(chunk.get(..length).unwrap_or(&[]));
                self.next_packet(into)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
            Err(_) => {
                self.close();
                Ok(None)
            }
        }
    }
}

fn connect(address: &ToolAddress) -> std::io::Result<Box<dyn Stream>> {
    match address {
        ToolAddress::Serial { path, baud } => {
            let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let line = rustix::fs::open(path, flags, Mode::empty())?;
            let mut settings = tcgetattr(&line)?;
            settings.make_raw();
            settings.set_speed(*baud)?;
            tcsetattr(&line, OptionalActions::Now, &settings)?;
            Ok(Box::new(File::from(line)))
        }
        ToolAddress::Tcp(address) => {
            let stream = TcpStream::connect_timeout(address, CONNECT_WITHIN)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            Ok(Box::new(stream))
        }
        ToolAddress::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_nonblocking(true)?;
            Ok(Box::new(stream))
        }
    }
}
