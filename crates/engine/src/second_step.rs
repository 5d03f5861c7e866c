//! The second step of a sign-in: a code from an authenticator app (TOTP, RFC 6238), or one of
//! ten recovery codes. No code works twice.

use data_encoding::BASE32_NOPAD;
use model::audits::Actor;
use model::ids::SessionId;
use model::operators::Operator;
use model::{Refused, tokens};
use totp_rs::{Builder, Totp};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::sessions::Present;
use crate::{audits, operators, secrets, sign_in};

/// Bytes of an authenticator's secret: 160 bits, as RFC 4226 asks.
const SECRET_BYTES: usize = 20;
/// Seconds of one step, as every app assumes.
const STEP_SECONDS: u64 = 30;
/// Recovery codes given out.
const RECOVERY_CODES: usize = 10;

/// What the app is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The secret in groups of four, for typing.
    pub secret: String,
    /// The same as an `otpauth://` address, for the QR code.
    pub address: String,
}

/// Offers a secret for the app; the same one until it is taken up or the sign-in ends.
pub async fn offer(engine: &Engine, present: &Present) -> Result<Offer> {
    let secret = match &present.sign_in.totp_offer {
        Some(sealed) => secrets::open(engine, sealed)?,
        None => {
            let fresh: [u8; SECRET_BYTES] = engine.rng().bytes();
            let sealed = secrets::seal(engine, &fresh)?;
            let id = present.sign_in.id;
            engine
                .write(move |tx| {
                    Box::pin(
                        async move { Ok(store::sessions::set_offer(tx, id, Some(sealed)).await?) },
                    )
                })
                .await?;
            fresh.to_vec()
        }
    };
    let text = BASE32_NOPAD.encode(&secret);
    let account = present.operator.email.replace(['?', '&', '#', '%', ':', ' '], "_");
    let address = format!("otpauth://totp/Tundish:{account}?secret={text}&issuer=Tundish");
    let letters: Vec<char> = text.chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|four| four.iter().collect()).collect();
    Ok(Offer { secret: groups.join(" "), address })
}

/// Takes the offered secret up, once a code shows that the app knows it. Every other sign-in of
/// the operator ends. The recovery codes are shown once, here.
///
/// # Errors
/// `code_wrong`; nothing was offered.
pub async fn take_up(engine: &Engine, present: &Present, code: &str) -> Result<Vec<String>> {
    let sealed = present.sign_in.totp_offer.clone().ok_or_else(|| wrong("open this page again"))?;
    let secret = secrets::open(engine, &sealed)?;
    let step = step_of(engine, secret, code)
        .ok_or_else(|| wrong("this code is not the one the app shows now: please try again"))?;
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| recovery_code(engine)).collect();
    let mut operator = present.operator.clone();
    operator.totp_secret = Some(sealed);
    operator.totp_step = step;
    operator.recovery_codes = codes.iter().map(|code| recovery_hash(code)).collect();
    change(engine, operator, present.sign_in.id, "second_step.on").await?;
    Ok(codes)
}

/// Gives the second step up, for a code. Every other sign-in ends. Wrong codes wait as at the
/// sign-in: who stole a browser's cookie must not guess the step away.
///
/// # Errors
/// `code_wrong`, `sign_in_wait`.
pub async fn give_up(engine: &Engine, present: &Present, code: &str) -> Result<()> {
    let account = format!("code {}", present.operator.id);
    sign_in::refuse_soon(engine, &[&account])?;
    let Some(mut operator) = spend(engine, present.operator.clone(), code)? else {
        engine.throttle().wrong(&account, engine.now(), 0);
        return Err(wrong("this code is not right: please try again"));
    };
    engine.throttle().right(&account);
    operator.totp_secret = None;
    operator.totp_step = 0;
    operator.recovery_codes = Vec::new();
    change(engine, operator, present.sign_in.id, "second_step.off").await
}

/// Takes the second step of an operator away who lost it with the recovery codes: from the machine
/// itself. Their sign-ins end.
///
/// # Errors
/// There is no such operator.
pub async fn reset(engine: &Engine, address: &str) -> Result<()> {
    let id = operators::find(engine, address).await?.id;
    let of = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let missing = || EngineError::missing("operator", id);
                let mut operator = store::operators::find(tx, id).await?.ok_or_else(missing)?;
                (operator.totp_secret, operator.totp_step) = (None, 0);
                operator.recovery_codes = Vec::new();
                store::operators::set_second_step(tx, &operator).await?;
                store::sessions::delete_of(tx, id, SessionId(0)).await?;
                let home = audits::INSTALLATION;
                audits::note(&of, tx, home, "second_step.reset", id, &()).await
            })
        })
        .await
}

/// The operator with `code` spent, where it is right: a code of the app within one step of now
/// that was not used, or a recovery code that is left.
pub(crate) fn spend(
    engine: &Engine,
    mut operator: Operator,
    code: &str,
) -> Result<Option<Operator>> {
    let Some(sealed) = &operator.totp_secret else { return Ok(None) };
    let secret = secrets::open(engine, sealed)?;
    let typed: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if let Some(step) = step_of(engine, secret, &typed) {
        if step <= operator.totp_step {
            return Ok(None);
        }
        operator.totp_step = step;
        return Ok(Some(operator));
    }
    let hash = recovery_hash(&typed);
    let before = operator.recovery_codes.len();
    operator.recovery_codes.retain(|left| *left != hash);
    Ok((operator.recovery_codes.len() < before).then_some(operator))
}

async fn change(
    engine: &Engine,
    operator: Operator,
    keep: SessionId,
    action: &'static str,
) -> Result<()> {
    let engine_in = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                store::operators::set_second_step(tx, &operator).await?;
                store::sessions::delete_of(tx, operator.id, keep).await?;
                store::operator_links::end_of(tx, operator.id, engine_in.now()).await?;
                store::sessions::set_offer(tx, keep, None).await?;
                let actor = Actor::Operator(operator.id);
                let site = audits::INSTALLATION;
                audits::record(&engine_in, tx, site, actor, action, operator.id, &()).await
            })
        })
        .await
}

/// The code the app shows now: for tests and the demo's own sign-in.
pub fn code_now(engine: &Engine, secret: &str) -> Result<String> {
    let letters: String = secret.chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = BASE32_NOPAD
        .decode(letters.as_bytes())
        .map_err(|_| EngineError::Fault("this is not an authenticator's secret".to_owned()))?;
    Ok(totp(bytes)?.generate(seconds(engine)).to_string())
}

fn step_of(engine: &Engine, secret: Vec<u8>, code: &str) -> Option<i64> {
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let step = totp(secret).ok()?.check(code, seconds(engine))?;
    i64::try_from(step).ok()
}

fn totp(secret: Vec<u8>) -> Result<Totp> {
    let secret: [u8; SECRET_BYTES] = secret
        .try_into()
        .map_err(|_| EngineError::Fault("an authenticator's secret is cut".to_owned()))?;
    Builder::new()
        .with_secret(secret)
        .with_step_duration(STEP_SECONDS)
        .with_skew(1)
        .build()
        .map_err(|e| EngineError::Fault(format!("the second step cannot be checked: {e}")))
}

fn seconds(engine: &Engine) -> u64 {
    u64::try_from(engine.now().0 / 1_000).unwrap_or(0)
}

/// Ten letters and digits that are not mistaken for one another: 49 bits, behind back-off.
fn recovery_code(engine: &Engine) -> String {
    let bytes: [u8; 10] = engine.rng().bytes();
    let letters: Vec<char> = "abcdefghjkmnpqrstuvwxyz23456789".chars().collect();
    let mut code = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        if at == 5 {
            code.push('-');
        }
        let place = usize::from(*byte) % letters.len().max(1);
        code.push(letters.get(place).copied().unwrap_or('a'));
    }
    code
}

fn recovery_hash(code: &str) -> String {
    let plain: String = code.to_lowercase().chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    tokens::hash_secret(plain.as_bytes())
}

fn wrong(say: &str) -> EngineError {
    Refused::new("code_wrong", say).at("code").into()
}
