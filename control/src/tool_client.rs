//! The host's end of the tool: greeting, limits, requests and their answers, heartbeats.

use std::collections::VecDeque;

use firmware::wire::{self, Decoder, WireError};
use firmware::{CUPS, Event, Health, LeakTest, Limits, Packet, Refusal, Report, Request, Status, VERSION};
use scene::{Span, Timestamp};

use crate::{LinkError, Tool};

/// Room for the longest encoded packet in either direction, bytes.
const LONGEST: usize = wire::MAX_PACKET;
/// A greeting without an answer is begun anew after this, in a session of another number: longer than any way there
/// and back, so that its answer is not missed.
const GREET_AGAIN: Span = Span::from_millis(200);
/// A request without an answer is sent again after this, under its number: the tool does it once.
const REPEAT: Span = Span::from_millis(25);
/// A request without an answer for this long counts as lost.
const ANSWER_WITHIN: Span = Span::from_millis(200);
/// Requests under way, answers and events that are kept for who asks; the oldest goes first.
const KEPT: usize = 64;
/// Packets that one poll reads at most, so that a babbling tool can't hold the loop.
const READ_AT_ONCE: usize = 32;

/// Why the tool can't be used. It goes on as its own protection decides: what it holds stays held.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ToolError {
    /// The link failed.
    #[error("tool: {0}")]
    Link(#[from] LinkError),
    /// A packet could not be encoded.
    #[error("tool: request {request} could not be encoded: {source}")]
    Encode {
        /// The request's name.
        request: &'static str,
        /// What the encoder says.
        source: WireError,
    },
    /// The tool speaks another version of the protocol.
    #[error("tool speaks version {tool}, the host version {host}; both must be the same")]
    Version {
        /// The tool's version.
        tool: u16,
        /// Ours.
        host: u16,
    },
    /// The tool has another number of cups.
    #[error("tool has {tool} cups; must be {host}")]
    Cups {
        /// The tool's cups.
        tool: u8,
        /// Ours.
        host: usize,
    },
    /// The tool refused a step of the greeting.
    #[error("tool refused {request}: {reason}")]
    Refused {
        /// The request's name.
        request: &'static str,
        /// Its reason.
        reason: Refusal,
    },
    /// A request before the greeting is done; it was not sent.
    #[error("tool is not greeted and armed yet; {request} was not sent")]
    NotUp {
        /// The request's name.
        request: &'static str,
    },
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The tool did or began it.
    Done {
        /// The number that [`ToolClient::send`] gave.
        seq: u8,
    },
    /// The tool refused it.
    Refused {
        /// The number that [`ToolClient::send`] gave.
        seq: u8,
        /// Why.
        reason: Refusal,
    },
    /// No answer came within 200 ms and seven repeats; it may or may not have been done.
    Unanswered {
        /// The number that [`ToolClient::send`] gave.
        seq: u8,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Greeting,
    Limiting,
    Arming,
    Up,
}

/// A request that waits for its answer.
#[derive(Debug, Clone, Copy)]
struct Pending {
    seq: u8,
    request: Request,
    asked: Timestamp,
    sent: Timestamp,
}

/// What the link and the tool have cost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientCounters {
    /// Requests that were sent again.
    pub repeated: u32,
    /// Reports that never came, by gaps in their numbers (modulo 256).
    pub missed: u32,
    /// Received packets that made no sense.
    pub bad: u32,
    /// Events and answers that were dropped since nobody took them.
    pub dropped: u32,
    /// Sessions that were opened.
    pub sessions: u32,
}

/// Speaks with a tool: greets it, hands it its limits, arms it, keeps it alive, and sends again what was lost.
///
/// [`ToolClient::poll`] once a millisecond does all of that and reads what has come in. What the tool's own protection
/// ended is not begun anew by itself: that is [`ToolClient::greet_again`].
pub struct ToolClient<T: Tool> {
    tool: T,
    limits: Limits,
    stage: Stage,
    /// Of this greeting; none before the first.
    session: Option<u16>,
    sessions: u32,
    seq: u8,
    /// The step of the greeting under way.
    step: Option<Pending>,
    boots: Option<u32>,
    health: Option<Health>,
    leak_test: Option<LeakTest>,
    sent_at: Timestamp,
    heartbeat: Span,
    decoder: Decoder<Report, LONGEST>,
    status: Option<Status>,
    heard_at: Option<Timestamp>,
    pending: VecDeque<Pending>,
    repeated: u32,
    answers: VecDeque<Answer>,
    events: VecDeque<Event>,
    dropped: u32,
    last_report: Option<u8>,
    missed: u32,
}

impl<T: Tool> ToolClient<T> {
    /// A client that has not greeted yet; the first [`ToolClient::poll`] does.
    #[must_use]
    pub fn new(tool: T, limits: Limits) -> Self {
        Self {
            tool,
            // A third of the deadline, so that two lost packets in a row are no silence.
            heartbeat: Span::from_millis(u64::from(limits.heartbeat_ms / 3).max(1)),
            limits,
            stage: Stage::Greeting,
            session: None,
            sessions: 0,
            seq: 0,
            step: None,
            boots: None,
            health: None,
            leak_test: None,
            repeated: 0,
            sent_at: Timestamp::ZERO,
            decoder: Decoder::new(),
            status: None,
            heard_at: None,
            pending: VecDeque::with_capacity(KEPT),
            answers: VecDeque::with_capacity(KEPT),
            events: VecDeque::with_capacity(KEPT),
            dropped: 0,
            last_report: None,
            missed: 0,
        }
    }

    /// Reads what has come in, goes on with the greeting, sends a heartbeat when one is due.
    ///
    /// # Errors
    /// [`ToolError`]; the tool's own deadline takes over when nothing more is sent.
    pub fn poll(&mut self, now: Timestamp) -> Result<(), ToolError> {
        let mut buffer = [0_u8; LONGEST];
        for _ in 0..READ_AT_ONCE {
            let Some(length) = self.tool.receive(&mut buffer)? else { break };
            for &byte in &buffer[..length.min(LONGEST)] {
                if let Some(packet) = self.decoder.push(byte) {
                    self.take(packet, now)?;
                }
            }
        }
        self.greet(now)?;
        self.repeat(now)?;
        if self.stage == Stage::Up && now.since(self.sent_at) >= self.heartbeat {
            // Under the last request's number, and using up none: the tool must not take what follows a hundred heartbeats
            // for something old.
            self.transmit(self.seq.wrapping_sub(1), Request::Heartbeat, now)?;
        }
        while let Some(&Pending { seq, asked, .. }) = self.pending.front()
            && now.since(asked) > ANSWER_WITHIN
        {
            self.pending.pop_front();
            keep(&mut self.answers, Answer::Unanswered { seq }, &mut self.dropped);
        }
        Ok(())
    }

    /// Sends a request and gives its number; its [`Answer`] comes later. Heartbeats are not for callers.
    ///
    /// # Errors
    /// [`ToolError::NotUp`] before the greeting is done, or a failed link; nothing was sent.
    pub fn send(&mut self, request: Request, now: Timestamp) -> Result<u8, ToolError> {
        if self.stage != Stage::Up {
            return Err(ToolError::NotUp { request: name(&request) });
        }
        let seq = self.number(request, now)?;
        if self.pending.len() == KEPT {
            self.pending.pop_front();
            self.dropped += 1;
        }
        self.pending.push_back(Pending { seq, request, asked: now, sent: now });
        Ok(seq)
    }

    /// A sign of life, whatever the time: for a host whose own time stands. Nothing before the greeting is done.
    ///
    /// # Errors
    /// [`ToolError`] of a failed link.
    pub fn keep_alive(&mut self) -> Result<(), ToolError> {
        match self.stage {
            Stage::Up => self.transmit(self.seq.wrapping_sub(1), Request::Heartbeat, self.sent_at),
            Stage::Greeting | Stage::Limiting | Stage::Arming => Ok(()),
        }
    }

    /// Begins anew with hello, limits and arm, after a safe state or a reset of the tool. What it holds it goes on
    /// holding; requests without an answer are given up.
    pub fn greet_again(&mut self) {
        self.stage = Stage::Greeting;
        self.step = None;
        for Pending { seq, .. } in std::mem::take(&mut self.pending) {
            keep(&mut self.answers, Answer::Unanswered { seq }, &mut self.dropped);
        }
    }

    /// Starts of the tool since its power came, as it said at the last greeting.
    #[must_use]
    pub fn boots(&self) -> Option<u32> {
        self.boots
    }

    /// The newest answer to [`Request::Health`].
    #[must_use]
    pub fn health(&self) -> Option<&Health> {
        self.health.as_ref()
    }

    /// What the newest [`Request::LeakTest`] came to.
    #[must_use]
    pub fn leak_test(&self) -> Option<&LeakTest> {
        self.leak_test.as_ref()
    }

    /// What link and tool have cost so far.
    #[must_use]
    pub fn counters(&self) -> ClientCounters {
        ClientCounters {
            repeated: self.repeated,
            missed: self.missed,
            bad: self.decoder.bad(),
            dropped: self.dropped,
            sessions: self.sessions,
        }
    }

    /// True once the tool is greeted, limited and armed.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.stage == Stage::Up
    }

    /// The newest status, if one has come.
    #[must_use]
    pub fn status(&self) -> Option<&Status> {
        self.status.as_ref()
    }

    /// When the tool was last heard.
    #[must_use]
    pub fn heard_at(&self) -> Option<Timestamp> {
        self.heard_at
    }

    /// The oldest event that nobody has taken.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The oldest answer that nobody has taken.
    pub fn next_answer(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    /// The link itself.
    pub fn tool_mut(&mut self) -> &mut T {
        &mut self.tool
    }

    fn greet(&mut self, now: Timestamp) -> Result<(), ToolError> {
        let request = match self.stage {
            Stage::Greeting => {
                if self.step.is_some_and(|step| now.since(step.asked) < GREET_AGAIN) {
                    return Ok(());
                }
                // The first number is of the clock, so that one that starts anew does not begin where it did before.
                let first = || (now.nanos() / 1_000_000 % 65_536) as u16;
                self.session = Some(self.session.unwrap_or_else(first).wrapping_add(1));
                self.step = None;
                Request::Hello { version: VERSION }
            }
            Stage::Limiting => Request::Limits(self.limits),
            Stage::Arming => Request::Arm,
            Stage::Up => return Ok(()),
        };
        if self.step.is_none() {
            let seq = self.number(request, now)?;
            self.step = Some(Pending { seq, request, asked: now, sent: now });
        }
        Ok(())
    }

    /// Sends again what has no answer yet. A hello is not: it opens a session once.
    fn repeat(&mut self, now: Timestamp) -> Result<(), ToolError> {
        let greeting = self.stage == Stage::Greeting;
        for i in 0..=self.pending.len() {
            let waits = if i == 0 { self.step.as_mut().filter(|_| !greeting) } else { self.pending.get_mut(i - 1) };
            let Some(waits) = waits.filter(|waits| now.since(waits.sent) >= REPEAT) else { continue };
            waits.sent = now;
            let Pending { seq, request, .. } = *waits;
            self.transmit(seq, request, now)?;
            self.repeated = self.repeated.saturating_add(1);
        }
        Ok(())
    }

    /// Sends a request under the next number.
    fn number(&mut self, request: Request, now: Timestamp) -> Result<u8, ToolError> {
        let seq = self.seq;
        self.transmit(seq, request, now)?;
        self.seq = seq.wrapping_add(1);
        Ok(seq)
    }

    fn transmit(&mut self, seq: u8, request: Request, now: Timestamp) -> Result<(), ToolError> {
        let request_name = name(&request);
        let mut buffer = [0_u8; LONGEST];
        let packet = Packet { session: self.session.unwrap_or(0), seq, body: request };
        let length =
            wire::encode(&packet, &mut buffer).map_err(|source| ToolError::Encode { request: request_name, source })?;
        self.tool.send(&buffer[..length])?;
        self.sent_at = now;
        Ok(())
    }

    fn take(&mut self, packet: Packet<Report>, now: Timestamp) -> Result<(), ToolError> {
        if let Some(last) = self.last_report {
            self.missed += u32::from(packet.seq.wrapping_sub(last).wrapping_sub(1));
        }
        self.last_report = Some(packet.seq);
        self.heard_at = Some(now);
        // Answers of an earlier session answer nothing of this one.
        let ours = self.session == Some(packet.session);
        match packet.body {
            Report::Hello { version, .. } if version != VERSION => {
                return Err(ToolError::Version { tool: version, host: VERSION });
            }
            Report::Hello { .. } | Report::Done { .. } | Report::Refused { .. } if !ours => {}
            Report::Hello { cups, boots, .. } => self.greeted(cups, boots)?,
            Report::Done { seq } => {
                if self.step.is_some_and(|step| step.seq == seq) {
                    self.step = None;
                    self.stage = match self.stage {
                        // A done hello alone opens no session of ours: the tool must have told its version.
                        Stage::Greeting => Stage::Greeting,
                        Stage::Limiting => Stage::Arming,
                        Stage::Arming | Stage::Up => Stage::Up,
                    };
                } else if self.forget(seq) {
                    keep(&mut self.answers, Answer::Done { seq }, &mut self.dropped);
                }
            }
            Report::Refused { seq, reason } => {
                if self.step.is_some_and(|step| step.seq == seq) {
                    let request = match self.stage {
                        Stage::Greeting => "hello",
                        Stage::Limiting => "limits",
                        Stage::Arming | Stage::Up => "arm",
                    };
                    return Err(ToolError::Refused { request, reason });
                }
                // A refused heartbeat is told too: the tool has forgotten us.
                self.forget(seq);
                keep(&mut self.answers, Answer::Refused { seq, reason }, &mut self.dropped);
            }
            Report::Status(status) => self.status = Some(status),
            Report::Event(event) => keep(&mut self.events, event, &mut self.dropped),
            Report::LeakTest(found) => self.leak_test = Some(found),
            Report::Health(health) => self.health = Some(health),
        }
        Ok(())
    }

    fn greeted(&mut self, cups: u8, boots: u32) -> Result<(), ToolError> {
        if usize::from(cups) != CUPS {
            return Err(ToolError::Cups { tool: cups, host: CUPS });
        }
        if self.stage == Stage::Greeting {
            self.stage = Stage::Limiting;
            self.step = None;
            self.boots = Some(boots);
            self.sessions = self.sessions.saturating_add(1);
        }
        Ok(())
    }

    /// True when the request was under way.
    fn forget(&mut self, seq: u8) -> bool {
        let place = self.pending.iter().position(|waits| waits.seq == seq);
        if let Some(place) = place {
            self.pending.remove(place);
        }
        place.is_some()
    }
}

fn keep<E>(queue: &mut VecDeque<E>, entry: E, dropped: &mut u32) {
    if queue.len() == KEPT {
        queue.pop_front();
        *dropped += 1;
    }
    queue.push_back(entry);
}

fn name(request: &Request) -> &'static str {
    match request {
        Request::Hello { .. } => "hello",
        Request::Limits(_) => "limits",
        Request::Arm => "arm",
        Request::Seek { .. } => "seek",
        Request::Release { .. } => "release",
        Request::Tare => "tare",
        Request::Heartbeat => "heartbeat",
        Request::Stop => "stop",
        Request::Clear => "clear",
        Request::Pinch { .. } => "pinch",
        Request::Disarm => "disarm",
        Request::Light { .. } => "light",
        Request::LeakTest => "leak test",
        Request::Calibrate(_) => "calibrate",
        Request::Store => "store",
        Request::Health => "health",
    }
}
