//! Who takes the money. A closed set: the built-in test provider, bank transfer, and nothing to
//! pay. A provider is asked with a key that makes every repetition of one decision one charge.
//!
//! The test provider keeps its own books in its own transactions, so that a crash between its
//! books and ours is as real as with a provider elsewhere.

use model::Currency;
use model::ids::PaymentId;
use model::orders::AttemptState;
use model::payments::{Provider, TestMethod};
use store::payments::Payment;
use store::refunds::Refund;
use store::test_charges::TestCharge;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// What a provider says of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Which attempt, by what we wrote beside the charge.
    pub payment: PaymentId,
    /// The provider's own id.
    pub provider_ref: String,
    /// How it stands there.
    pub state: AttemptState,
    /// How much was taken, or would be.
    pub amount_minor: i64,
    /// Of what.
    pub currency: Currency,
    /// Why it failed, in the buyer's words.
    pub failure: Option<String>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The provider's word.
    Says(Snapshot),
    /// No answer: it may have charged or not.
    NoAnswer(String),
}

/// Asks for the money of an attempt (P2). The same attempt may be asked for any number of times.
pub(crate) async fn ask(engine: &Engine, payment: &Payment) -> Result<Reply> {
    match payment.provider {
        Provider::Test => ask_test(engine, payment).await,
        // A person must see the money, or the buyer confirm the address: nobody to ask.
        Provider::Offline | Provider::Free => {
            Ok(Reply::Says(own_word(payment, AttemptState::RequiresAction)))
        }
    }
}

/// What we say ourselves of an attempt that has no provider behind it.
pub(crate) fn own_word(payment: &Payment, state: AttemptState) -> Snapshot {
    Snapshot {
        payment: payment.id,
        provider_ref: payment.id.to_string(),
        state,
        amount_minor: payment.amount_minor,
        currency: payment.currency,
        failure: None,
    }
}

async fn ask_test(engine: &Engine, payment: &Payment) -> Result<Reply> {
    let method = TestMethod::parse(&payment.method)?;
    let state = match method {
        TestMethod::Declines => "declined",
        TestMethod::Asks => "requires_action",
        TestMethod::Succeeds
        | TestMethod::TimesOut
        | TestMethod::SucceedsThenDeclines
        | TestMethod::SucceedsThenAsks => "succeeded",
    };
    let new = TestCharge {
        id: engine.next_id(),
        idem_key: payment.idem_key.clone(),
        kind: "charge".to_owned(),
        parent_ref: None,
        metadata: payment.id.to_string(),
        amount_minor: payment.amount_minor,
        currency: payment.currency,
        method: payment.method.clone(),
        state: state.to_owned(),
        created_at: engine.now(),
    };
    let (site, mine) = (payment.site_id, new.id);
    let charge = engine
        .write(move |tx| {
            Box::pin(async move { Ok(store::test_charges::charge(tx, site, &new).await?) })
        })
        .await?;
    // The answer to the first asking is lost; who asks again is told what was done.
    if method == TestMethod::TimesOut && charge.id == mine {
        return Ok(Reply::NoAnswer("the test provider did not answer in time".to_owned()));
    }
    said(&charge).map(Reply::Says)
}

fn said(charge: &TestCharge) -> Result<Snapshot> {
    let (state, failure) = match charge.state.as_str() {
        "succeeded" => (AttemptState::Succeeded, None),
        "requires_action" => (AttemptState::RequiresAction, None),
        "cancelled" => (AttemptState::Cancelled, Some("the payment was not confirmed")),
        _ => (AttemptState::Failed, Some("the card was declined: please use another one")),
    };
    Ok(Snapshot {
        payment: charge.metadata.parse().map_err(EngineError::Refused)?,
        provider_ref: format!("test_{}", charge.id),
        state,
        amount_minor: charge.amount_minor,
        currency: charge.currency,
        failure: failure.map(str::to_owned),
    })
}

/// Looks at an attempt without asking for money; `None` where the provider does not know it.
pub(crate) async fn look(engine: &Engine, payment: &Payment) -> Result<Option<Snapshot>> {
    if payment.provider != Provider::Test {
        return Ok(None);
    }
    let (site, key) = (payment.site_id, payment.idem_key.clone());
    let found = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::test_charges::find(session, site, &key).await?) })
        })
        .await?;
    found.as_ref().map(said).transpose()
}

/// Decides a challenge of the test provider, as its page or its clock does. What it was is the
/// answer where it was decided before.
pub(crate) async fn decide(
    engine: &Engine,
    payment: &Payment,
    state: &'static str,
) -> Result<Option<Snapshot>> {
    let (site, key) = (payment.site_id, payment.idem_key.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                store::test_charges::decide(tx, site, &key, state).await?;
                Ok(())
            })
        })
        .await?;
    look(engine, payment).await
}

/// Asks for money to be paid back; the provider's id of it, or why not.
pub(crate) async fn refund(
    engine: &Engine,
    payment: &Payment,
    refund: &Refund,
) -> Result<std::result::Result<String, String>> {
    if payment.provider != Provider::Test {
        // The operator pays it back by hand, and said so by pressing the button.
        return Ok(Ok(refund.id.to_string()));
    }
    let Some(charge) = look(engine, payment).await? else {
        return Ok(Err("the provider does not know the charge".to_owned()));
    };
    let new = TestCharge {
        id: engine.next_id(),
        idem_key: refund.idem_key.clone(),
        kind: "refund".to_owned(),
        parent_ref: Some(charge.provider_ref),
        metadata: refund.id.to_string(),
        amount_minor: refund.amount_minor,
        currency: refund.currency,
        method: payment.method.clone(),
        state: "succeeded".to_owned(),
        created_at: engine.now(),
    };
    let site = payment.site_id;
    let made = engine
        .write(move |tx| {
            Box::pin(async move { Ok(store::test_charges::charge(tx, site, &new).await?) })
        })
        .await?;
    Ok(Ok(format!("test_{}", made.id)))
}
