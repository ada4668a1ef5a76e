//! At most once: which request is new, which was answered already, which comes too late.

use crate::{Counters, Packet, Refusal, Report, Request};

/// Answers that are kept; a request that is sent again later than this counts as stale.
const KEPT: usize = 16;

/// What to do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Obey it.
    Obey,
    /// Say this; the request itself is not obeyed, or not again.
    Answer(Report),
    /// It waits to be obeyed already.
    Drop,
}

/// The numbers of one host's session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    number: Option<u16>,
    /// The newest number that was let in.
    newest: Option<u8>,
    /// Numbers of requests, and why those that were refused were; the first `filled` of them count.
    answers: [(u8, Option<Refusal>); KEPT],
    filled: usize,
    next: usize,
}

/// What answers a request.
fn answer(seq: u8, refused: Option<Refusal>) -> Report {
    refused.map_or(Report::Done { seq }, |reason| Report::Refused { seq, reason })
}

impl Session {
    pub(crate) const NEW: Self = Self { number: None, newest: None, answers: [(0, None); KEPT], filled: 0, next: 0 };

    /// The session's number, 0 before the first.
    pub(crate) fn number(&self) -> u16 {
        self.number.unwrap_or(0)
    }

    /// Decides on a packet that has come.
    pub(crate) fn admit(&mut self, packet: &Packet<Request>, counters: &mut Counters) -> Admission {
        let seq = packet.seq;
        if packet.body == Request::Stop {
            // Doing it twice does no more than doing it once, and it is never too late.
            return Admission::Obey;
        }
        if self.number != Some(packet.session) {
            if !matches!(packet.body, Request::Hello { .. }) {
                return Admission::Answer(Report::Refused { seq, reason: Refusal::NotGreeted });
            }
            *self = Self { number: Some(packet.session), ..Self::NEW };
        }
        if packet.body == Request::Heartbeat {
            return Admission::Obey;
        }
        if let Some((_, refused)) = self.answers.iter().take(self.filled).find(|(answered, _)| *answered == seq) {
            counters.repeated = counters.repeated.saturating_add(1);
            return Admission::Answer(answer(seq, *refused));
        }
        let ahead = self.newest.map_or(1, |newest| seq.wrapping_sub(newest));
        match ahead {
            0 => Admission::Drop,
            1..=127 => {
                self.newest = Some(seq);
                Admission::Obey
            }
            _ => {
                counters.stale = counters.stale.saturating_add(1);
                Admission::Answer(Report::Refused { seq, reason: Refusal::Stale })
            }
        }
    }

    /// Keeps the answer to a request that was obeyed, and why it was refused if it was.
    pub(crate) fn keep(&mut self, request: &Packet<Request>, refused: Option<Refusal>) {
        if matches!(request.body, Request::Heartbeat | Request::Stop) || self.number != Some(request.session) {
            return;
        }
        if let Some(oldest) = self.answers.get_mut(self.next) {
            *oldest = (request.seq, refused);
        }
        self.next = (self.next + 1) % KEPT;
        self.filled = (self.filled + 1).min(KEPT);
    }

    /// A request that was let in could not wait: it may be sent again under its number.
    pub(crate) fn turn_away(&mut self, request: &Packet<Request>) {
        if self.newest == Some(request.seq) && self.number == Some(request.session) {
            self.newest = Some(request.seq.wrapping_sub(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VERSION;

    const HELLO: Request = Request::Hello { version: VERSION };

    fn check(session: &mut Session, number: u16, seq: u8, body: Request, expected: Admission) {
        let packet = Packet { session: number, seq, body };
        let found = session.admit(&packet, &mut Counters::default());
        assert_eq!(found, expected, "session {number}, request {seq}");
        if found == Admission::Obey {
            session.keep(&packet, None);
        }
    }

    fn stale(seq: u8) -> Admission {
        Admission::Answer(Report::Refused { seq, reason: Refusal::Stale })
    }

    fn done(seq: u8) -> Admission {
        Admission::Answer(Report::Done { seq })
    }

    #[test]
    fn a_request_is_obeyed_once_and_answered_as_often_as_it_comes() {
        let mut session = Session::NEW;
        check(&mut session, 7, 250, HELLO, Admission::Obey);
        for seq in 251..=255 {
            check(&mut session, 7, seq, Request::Arm, Admission::Obey);
        }
        check(&mut session, 7, 3, Request::Arm, Admission::Obey);
        check(&mut session, 7, 255, Request::Arm, done(255));
        check(&mut session, 7, 3, Request::Arm, done(3));
    }

    #[test]
    fn what_a_later_request_overtook_is_stale_and_so_is_what_nobody_remembers() {
        let mut session = Session::NEW;
        check(&mut session, 7, 1, HELLO, Admission::Obey);
        check(&mut session, 7, 3, Request::Tare, Admission::Obey);
        check(&mut session, 7, 2, Request::Tare, stale(2));
        for seq in 4..=30 {
            check(&mut session, 7, seq, Request::Tare, Admission::Obey);
        }
        check(&mut session, 7, 4, Request::Tare, stale(4));
    }

    #[test]
    fn heartbeats_overtake_nothing_and_another_session_is_not_heard_without_hello() {
        let mut session = Session::NEW;
        let stranger = |seq| Admission::Answer(Report::Refused { seq, reason: Refusal::NotGreeted });
        check(&mut session, 7, 1, Request::Arm, stranger(1));
        check(&mut session, 7, 1, HELLO, Admission::Obey);
        check(&mut session, 7, 9, Request::Heartbeat, Admission::Obey);
        check(&mut session, 7, 2, Request::Arm, Admission::Obey);
        check(&mut session, 6, 8, Request::Heartbeat, stranger(8));
        check(&mut session, 6, 9, Request::Stop, Admission::Obey);
        check(&mut session, 8, 2, HELLO, Admission::Obey);
        check(&mut session, 7, 3, Request::Arm, stranger(3));
    }

    #[test]
    fn a_request_that_found_no_room_may_come_again() {
        let mut session = Session::NEW;
        check(&mut session, 7, 1, HELLO, Admission::Obey);
        let packet = Packet { session: 7, seq: 2, body: Request::Arm };
        assert_eq!(session.admit(&packet, &mut Counters::default()), Admission::Obey);
        assert_eq!(session.admit(&packet, &mut Counters::default()), Admission::Drop);
        session.turn_away(&packet);
        assert_eq!(session.admit(&packet, &mut Counters::default()), Admission::Obey);
    }
}
