//! The steps of one mail: envelope, body, dot.

use std::time::Duration;

use super::relay::Envelope;
use super::stream::{CutShort, NoReply};
use super::stuffing::stuff;
use super::{Connection, State};
use crate::classify::{Class, classify};
use crate::outcome::{Blame, Failure, Outcome, Stage};
use crate::reply::Reply;

/// Octets of body (stuffed) held back until the dot, so that all leaves in one write.
pub const HOLD_MAX: usize = 64 * 1_024;

/// One command of an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Reset,
    Mail,
    Rcpt,
    Data,
}

/// An envelope on its way: what has been sent of it and what was answered.
#[derive(Debug)]
pub(super) struct Offer {
    envelope: Envelope,
    unsent: Vec<Command>,
    unanswered: Vec<Command>,
    /// The first answer that was not the one hoped for.
    refused: Option<(Command, Failure)>,
    mail_taken: bool,
    rcpt_taken: bool,
    /// 354 was read.
    go_ahead: bool,
}

impl Command {
    fn stage(self) -> Stage {
        match self {
            Self::Reset | Self::Mail => Stage::Mail,
            Self::Rcpt => Stage::Rcpt,
            Self::Data => Stage::Data,
        }
    }

    fn accepts(self, code: u16) -> bool {
        match self {
            Self::Data => code == 354,
            _ => (250..260).contains(&code),
        }
    }
}

impl Offer {
    /// Commands are kept last first, to be popped.
    fn new(envelope: &Envelope, needs_reset: bool) -> Self {
        let mut unsent = vec![Command::Data, Command::Rcpt, Command::Mail];
        if needs_reset {
            unsent.push(Command::Reset);
        }
        Self {
            envelope: envelope.clone(),
            unsent,
            unanswered: Vec::with_capacity(4),
            refused: None,
            mail_taken: false,
            rcpt_taken: false,
            go_ahead: false,
        }
    }

    fn write_next(&mut self, out: &mut Vec<u8>, with_size: bool) -> bool {
        let Some(command) = self.unsent.pop() else { return false };
        match command {
            Command::Reset => out.extend_from_slice(b"RSET\r\n"),
            Command::Mail => {
                let from = self.envelope.from.as_ref().map_or("", |from| from.as_str());
                out.extend_from_slice(b"MAIL FROM:<");
                out.extend_from_slice(from.as_bytes());
                out.push(b'>');
                if let Some(size) = self.envelope.size.filter(|_| with_size) {
                    out.extend_from_slice(format!(" SIZE={size}").as_bytes());
                }
                if self.envelope.needs_utf8() {
                    out.extend_from_slice(b" SMTPUTF8");
                }
                out.extend_from_slice(b"\r\n");
            }
            Command::Rcpt => {
                out.extend_from_slice(b"RCPT TO:<");
                out.extend_from_slice(self.envelope.to.as_str().as_bytes());
                out.extend_from_slice(b">\r\n");
            }
            Command::Data => out.extend_from_slice(b"DATA\r\n"),
        }
        self.unanswered.insert(0, command);
        true
    }
}

/// The outcome of a refusal: 5xx will not get better, everything else may. A relay that refuses
/// *us* has said nothing about the mail: that waits until the relay is mended.
fn refusal(failure: Failure) -> Outcome {
    let is_permanent = failure.reply.as_ref().is_some_and(Reply::is_permanent);
    if is_permanent && failure.blame() != Blame::Relay {
        Outcome::Never(failure)
    } else {
        Outcome::Later(failure)
    }
}

fn unread(stage: Stage, why: &NoReply) -> Failure {
    let class = match why {
        NoReply::Garbage(_) => Class::Protocol,
        _ => Class::Connection,
    };
    Failure::local(stage, class, why.sentence())
}

impl Connection {
    /// Offers the next mail: MAIL, RCPT, DATA, until the server says "go on" (354).
    ///
    /// `Err` is `Later` or `Never`: the mail was not begun, and the connection can take another
    /// one if [`Connection::is_open`]. Where the envelope was given to [`Connection::dot`] before,
    /// this only reads the answers. May be dropped while waiting and called again.
    pub async fn envelope(&mut self, envelope: &Envelope) -> Result<(), Outcome> {
        let on_reused = self.messages > 0;
        self.offer_and_hear(envelope).await.map_err(|mut outcome| {
            if let Outcome::Later(failure) | Outcome::Never(failure) = &mut outcome {
                failure.on_reused |= on_reused;
            }
            outcome
        })
    }

    async fn offer_and_hear(&mut self, envelope: &Envelope) -> Result<(), Outcome> {
        match &self.state {
            State::Offered(offer) if offer.envelope == *envelope => {}
            State::Idle => {
                self.refused_here(envelope)?;
                self.offer(envelope).await?;
            }
            _ => {
                self.abandon();
                let why = "the connection was closed before this mail was begun";
                let failure = Failure::local(Stage::Mail, Class::Connection, why);
                // Nothing of this mail was said: it cannot be the reason.
                return Err(Outcome::Later(Failure { on_reused: true, ..failure }));
            }
        }
        self.read_answers().await?;
        self.settle().await
    }

    /// What this server has said already that it will not take.
    fn refused_here(&self, envelope: &Envelope) -> Result<(), Outcome> {
        let never =
            |class, why: String| Err(Outcome::Never(Failure::local(Stage::Mail, class, why)));
        if envelope.needs_utf8() && !self.server.smtputf8 {
            let why = "the mail server does not take addresses beyond ASCII (SMTPUTF8)";
            return never(Class::Protocol, why.to_owned());
        }
        match (envelope.size, self.server.size_max) {
            (Some(size), Some(max)) if size > max => {
                let why = format!("the mail has {size} octets and the server takes {max}");
                never(Class::TooBig, why)
            }
            _ => Ok(()),
        }
    }

    async fn offer(&mut self, envelope: &Envelope) -> Result<(), Outcome> {
        if self.stream.has_unread() {
            return Err(self.spoken_unasked(Stage::Mail).await);
        }
        let mut offer = Offer::new(envelope, self.needs_reset);
        self.outbox.clear();
        self.write_commands(&mut offer);
        // Half a command line cannot be taken back.
        self.state = State::Closed;
        match self.stream.write(&self.outbox, self.limits.block).await {
            Ok(()) => {
                self.outbox.clear();
                self.state = State::Offered(offer);
                Ok(())
            }
            Err(cut) => Err(self.cut_before_dot(Stage::Mail, &cut).await),
        }
    }

    /// Stages every unsent command, or one where the server takes one at a time.
    fn write_commands(&mut self, offer: &mut Offer) {
        while offer.write_next(&mut self.outbox, self.server.size) && self.server.pipelining {}
    }

    /// Reads one answer for each command sent, sending the next where they go one by one.
    async fn read_answers(&mut self) -> Result<(), Outcome> {
        loop {
            let State::Offered(offer) = &self.state else { return Ok(()) };
            let Some(command) = offer.unanswered.last().copied() else { return Ok(()) };
            let reply = match self.stream.reply(self.limit_of(command)).await {
                Ok(reply) => reply,
                Err(why) => return Err(self.lost(unread(command.stage(), &why))),
            };
            if reply.code == 421 {
                return Err(self.lost(said(command.stage(), reply)));
            }
            if let State::Offered(offer) = &mut self.state {
                offer.unanswered.pop();
            }
            self.take_answer(command, reply)?;
            self.send_next().await?;
        }
    }

    fn take_answer(&mut self, command: Command, reply: Reply) -> Result<(), Outcome> {
        let State::Offered(offer) = &mut self.state else { return Ok(()) };
        if command.accepts(reply.code) {
            match command {
                Command::Reset => self.needs_reset = false,
                Command::Mail => offer.mail_taken = true,
                Command::Rcpt => offer.rcpt_taken = true,
                Command::Data => offer.go_ahead = true,
            }
            return Ok(());
        }
        if reply.code < 400 || command == Command::Reset {
            // An answer to something else: from here on no answer can be trusted.
            self.abandon();
            return Err(Outcome::Later(out_of_step(command.stage(), reply)));
        }
        if offer.refused.is_none() {
            offer.refused = Some((command, said(command.stage(), reply)));
            // One by one there is no use in asking on.
            if !self.server.pipelining {
                offer.unsent.clear();
            }
        }
        Ok(())
    }

    async fn send_next(&mut self) -> Result<(), Outcome> {
        let State::Offered(offer) = &mut self.state else { return Ok(()) };
        let Some(command) = offer.unsent.last().copied() else { return Ok(()) };
        if self.stream.has_unread() {
            return Err(self.spoken_unasked(command.stage()).await);
        }
        self.outbox.clear();
        let State::Offered(mut offer) = std::mem::replace(&mut self.state, State::Closed) else {
            return Ok(());
        };
        self.write_commands(&mut offer);
        match self.stream.write(&self.outbox, self.limits.block).await {
            Ok(()) => {
                self.outbox.clear();
                self.state = State::Offered(offer);
                Ok(())
            }
            Err(cut) => Err(self.cut_before_dot(command.stage(), &cut).await),
        }
    }

    /// The connection ended among the answers, before any dot: the mail was not taken. What was
    /// refused before the end counts for more than the end.
    fn lost(&mut self, end: Failure) -> Outcome {
        let first = match &mut self.state {
            State::Offered(offer) => offer.refused.take().map(|(_, failure)| failure),
            _ => None,
        };
        self.abandon();
        refusal(first.unwrap_or(end))
    }

    /// After all answers: go on, or give the refusal and leave the connection ready for another.
    async fn settle(&mut self) -> Result<(), Outcome> {
        let State::Offered(offer) = std::mem::replace(&mut self.state, State::Closed) else {
            return Ok(());
        };
        let Some((command, failure)) = offer.refused else {
            self.state = State::Data;
            return Ok(());
        };
        match (offer.mail_taken, offer.rcpt_taken, offer.go_ahead) {
            (mail_taken, false, false) | (mail_taken @ true, true, false) => {
                self.needs_reset = mail_taken;
                self.state = State::Idle;
            }
            // 354 for nobody: RFC 2920 §3.1 ends it with a lone dot.
            (true, false, true) if command == Command::Rcpt => self.lone_dot().await,
            // A recipient or 354 without a sender: whoever is served there, not with our dot.
            _ => self.abandon(),
        }
        Err(refusal(failure))
    }

    async fn lone_dot(&mut self) {
        if self.stream.write(b".\r\n", self.limits.block).await.is_ok()
            && let Ok(reply) = self.stream.reply(self.limits.dot).await
            && reply.code != 421
        {
            self.needs_reset = false;
            self.state = State::Idle;
        } else {
            self.abandon();
        }
    }

    /// Stages the body, or sends it where it is bigger than [`HOLD_MAX`]. The dot is held back.
    ///
    /// `message` is the mail as composed, dots not doubled. `Err` is `Later` (the connection broke)
    /// or `Never` (the mail holds what must not be sent: NUL, a line of more than 998 octets); the
    /// connection is closed without a dot in both cases.
    pub async fn body(&mut self, message: &[u8]) -> Result<(), Outcome> {
        if !matches!(self.state, State::Data) {
            self.abandon();
            let why = "the connection was closed before the body";
            return Err(Outcome::Later(Failure::local(Stage::Body, Class::Connection, why)));
        }
        self.outbox.clear();
        if let Err(why) = stuff(message, &mut self.outbox) {
            self.abandon();
            return Err(Outcome::Never(Failure::local(Stage::Body, Class::Protocol, why)));
        }
        if self.outbox.len() <= HOLD_MAX {
            return Ok(());
        }
        self.state = State::Closed;
        match self.stream.write(&self.outbox, self.limits.block).await {
            Ok(()) => {
                self.outbox.clear();
                self.state = State::Data;
                Ok(())
            }
            Err(cut) => Err(self.cut_before_dot(Stage::Body, &cut).await),
        }
    }

    /// Sends what is staged of the body, the dot, and the envelope of the `next` mail, in one
    /// write; gives what became of *this* mail as soon as its answer is here.
    ///
    /// `Unknown` where the dot may have left and no final answer was understood. Do not drop this
    /// future: if it is dropped, the outcome is `Unknown` and the connection is closed.
    pub async fn dot(&mut self, next: Option<&Envelope>) -> Outcome {
        if !matches!(self.state, State::Data) {
            self.abandon();
            let why = "the connection was closed before the dot";
            return Outcome::Later(Failure::local(Stage::Body, Class::Connection, why));
        }
        // From here to the answer a dropped future must leave a closed connection behind.
        self.state = State::Closed;
        if self.stream.has_spoken().await {
            return match self.outbox.is_empty() {
                true => self.spoken_into_body().await,
                false => self.spoken_unasked(Stage::Body).await,
            };
        }
        self.outbox.extend_from_slice(b".\r\n");
        let dot_end = self.outbox.len();
        let offer = self.offer_along(next);
        let written = self.stream.write(&self.outbox, self.limits.block).await;
        self.outbox.clear();
        self.messages = self.messages.saturating_add(1);
        match written {
            Err(cut) if cut.taken < dot_end => self.cut_before_dot(Stage::Body, &cut).await,
            Err(_) => self.final_answer(None).await,
            Ok(()) => self.final_answer(Some(offer)).await,
        }
    }

    /// Stages the commands of `next` behind the dot where the server allows it.
    fn offer_along(&mut self, next: Option<&Envelope>) -> Option<Offer> {
        let carries_more = self.messages.saturating_add(1) < self.messages_max;
        let next = next.filter(|_| self.server.pipelining && carries_more)?;
        self.refused_here(next).ok()?;
        let mut offer = Offer::new(next, false);
        self.write_commands(&mut offer);
        Some(offer)
    }

    /// Reads the answer to the dot. `after` is what was sent along with it; `None` where the
    /// connection is known to be broken already.
    async fn final_answer(&mut self, after: Option<Option<Offer>>) -> Outcome {
        let reply = match self.stream.reply(self.limits.dot).await {
            Ok(reply) => reply,
            Err(why) => {
                self.abandon();
                return Outcome::Unknown(unread(Stage::Dot, &why));
            }
        };
        let understood = (250..260).contains(&reply.code) || reply.code >= 400;
        self.needs_reset = false;
        match after {
            Some(offer) if understood && reply.code != 421 => {
                self.state = offer.map_or(State::Idle, State::Offered);
            }
            _ => self.abandon(),
        }
        match reply.code {
            250..260 => Outcome::Sent(reply),
            400.. => refusal(said(Stage::Dot, reply)),
            _ => Outcome::Unknown(out_of_step(Stage::Dot, reply)),
        }
    }

    /// The server spoke, or closed, where it should have waited for us: nothing more is sent.
    ///
    /// Only 421 is taken at its word. Anything else may be the answer to something before, and
    /// must not decide about this mail.
    async fn spoken_unasked(&mut self, stage: Stage) -> Outcome {
        let failure = match self.stream.reply(self.limits.quit).await {
            Ok(reply) if reply.code == 421 => said(stage, reply),
            Ok(reply) => out_of_step(stage, reply),
            Err(why) => unread(stage, &why),
        };
        self.abandon();
        Outcome::Later(failure)
    }

    /// As [`Self::spoken_unasked`], but a big body is on its way already: a refusal of it is one.
    async fn spoken_into_body(&mut self) -> Outcome {
        let outcome = match self.stream.reply(self.limits.quit).await {
            Ok(reply) if reply.code >= 400 => refusal(said(Stage::Body, reply)),
            Ok(reply) => Outcome::Later(out_of_step(Stage::Body, reply)),
            Err(why) => Outcome::Later(unread(Stage::Body, &why)),
        };
        self.abandon();
        outcome
    }

    /// A write broke off before the dot was in it: the mail was not taken. Servers that give up
    /// half-way often say why first.
    async fn cut_before_dot(&mut self, stage: Stage, cut: &CutShort) -> Outcome {
        let outcome = match self.stream.reply(self.limits.quit).await {
            Ok(reply) if reply.code >= 400 => refusal(said(stage, reply)),
            _ => Outcome::Later(unread(stage, &cut.why)),
        };
        self.abandon();
        outcome
    }

    fn limit_of(&self, command: Command) -> Duration {
        match command {
            Command::Reset | Command::Mail => self.limits.mail,
            Command::Rcpt => self.limits.rcpt,
            Command::Data => self.limits.data,
        }
    }
}

fn said(stage: Stage, reply: Reply) -> Failure {
    Failure::said(stage, classify(stage, &reply), reply)
}

fn out_of_step(stage: Stage, reply: Reply) -> Failure {
    let why = format!("the server's answers are out of step: {}", reply.one_line());
    Failure { reply: Some(reply), ..Failure::local(stage, Class::Protocol, why) }
}
