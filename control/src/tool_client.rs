//! The host's end of the tool: greeting, limits, requests and their answers, heartbeats.

use std::collections::VecDeque;

use firmware::wire::{self, Decoder, WireError};
use firmware::{CUPS, Event, Limits, Packet, Refusal, Report, Request, Status, VERSION};
use scene::{Span, Timestamp};

use crate::{LinkError, Tool};

/// Room for the longest encoded packet in either direction, bytes.
const LONGEST: usize = wire::MAX_PACKET;
/// An unanswered greeting is repeated after this.
const REPEAT: Span = Span::from_millis(50);
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
    /// No answer came within 200 ms; it may or may not have been done.
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

/// Speaks with a tool: greets it, hands it its limits, arms it, keeps it alive.
///
/// [`ToolClient::poll`] once a millisecond does all of that and reads what has come in.
pub struct ToolClient<T: Tool> {
    tool: T,
    limits: Limits,
    stage: Stage,
    seq: u8,
    /// The step of the greeting under way: its number and when it was sent.
    step: Option<(u8, Timestamp)>,
    sent_at: Timestamp,
    heartbeat: Span,
    decoder: Decoder<Report, LONGEST>,
    status: Option<Status>,
    heard_at: Option<Timestamp>,
    pending: VecDeque<(u8, Timestamp)>,
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
            seq: 0,
            step: None,
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
        if self.stage == Stage::Up && now.since(self.sent_at) >= self.heartbeat {
            self.transmit(Request::Heartbeat, now)?;
        }
        while let Some(&(seq, sent)) = self.pending.front()
            && now.since(sent) > ANSWER_WITHIN
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
        let seq = self.transmit(request, now)?;
        if self.pending.len() == KEPT {
            self.pending.pop_front();
            self.dropped += 1;
        }
        self.pending.push_back((seq, now));
        Ok(seq)
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

    /// Reports that never came, by gaps in their numbers (modulo 256).
    #[must_use]
    pub fn missed(&self) -> u32 {
        self.missed
    }

    /// Received packets that made no sense.
    #[must_use]
    pub fn bad(&self) -> u32 {
        self.decoder.bad()
    }

    /// Events and answers that were dropped since nobody took them.
    #[must_use]
    pub fn dropped(&self) -> u32 {
        self.dropped
    }

    /// The link itself.
    pub fn tool_mut(&mut self) -> &mut T {
        &mut self.tool
    }

    fn greet(&mut self, now: Timestamp) -> Result<(), ToolError> {
        let due = self.step.is_none_or(|(_, sent)| now.since(sent) >= REPEAT);
        if !due {
            return Ok(());
        }
        let request = match self.stage {
            Stage::Greeting => Request::Hello { version: VERSION },
            Stage::Limiting => Request::Limits(self.limits),
            Stage::Arming => Request::Arm,
            Stage::Up => return Ok(()),
        };
        let seq = self.transmit(request, now)?;
        self.step = Some((seq, now));
        Ok(())
    }

    fn transmit(&mut self, request: Request, now: Timestamp) -> Result<u8, ToolError> {
        let request_name = name(&request);
        let seq = self.seq;
        let mut buffer = [0_u8; LONGEST];
        let packet = Packet { seq, body: request };
        let length =
            wire::encode(&packet, &mut buffer).map_err(|source| ToolError::Encode { request: request_name, source })?;
        self.tool.send(&buffer[..length])?;
        self.seq = self.seq.wrapping_add(1);
        self.sent_at = now;
        Ok(seq)
    }

    fn take(&mut self, packet: Packet<Report>, now: Timestamp) -> Result<(), ToolError> {
        if let Some(last) = self.last_report {
            self.missed += u32::from(packet.seq.wrapping_sub(last).wrapping_sub(1));
        }
        self.last_report = Some(packet.seq);
        self.heard_at = Some(now);
        match packet.body {
            Report::Hello { version, cups } => self.greeted(version, cups)?,
            Report::Done { seq } => {
                if self.step.is_some_and(|(step, _)| step == seq) {
                    self.step = None;
                    self.stage = match self.stage {
                        Stage::Greeting | Stage::Limiting => Stage::Arming,
                        Stage::Arming | Stage::Up => Stage::Up,
                    };
                } else if self.forget(seq) {
                    keep(&mut self.answers, Answer::Done { seq }, &mut self.dropped);
                }
            }
            Report::Refused { seq, reason } => {
                if self.step.is_some_and(|(step, _)| step == seq) {
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
        }
        Ok(())
    }

    fn greeted(&mut self, version: u16, cups: u8) -> Result<(), ToolError> {
        if version != VERSION {
            return Err(ToolError::Version { tool: version, host: VERSION });
        }
        if usize::from(cups) != CUPS {
            return Err(ToolError::Cups { tool: cups, host: CUPS });
        }
        if self.stage == Stage::Greeting {
            self.stage = Stage::Limiting;
            self.step = None;
        }
        Ok(())
    }

    /// True when the request was under way.
    fn forget(&mut self, seq: u8) -> bool {
        let place = self.pending.iter().position(|&(s, _)| s == seq);
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
    }
}
