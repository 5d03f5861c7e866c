//! What sort of row it is, where a program lists payments beside other movements of money.

use engine::files::tables::plain;

/// What a row is that is no payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It gives money back.
    Refund,
    /// By its sign: below zero it gives money back, above zero it undoes what did.
    Reversal,
    /// It moves the seller's own money.
    Movement,
}

/// Why such a row is left out.
pub(super) const NO_SALE: &str = "no sale but a withdrawal, fee or transfer";

const REFUNDS: &[&str] = &[
    "refund",
    "partialrefund",
    "paymentrefund",
    "paymentrefunded",
    "refundedpayment",
    "chargeback",
    "paymentreversal",
    "dispute",
    "ruckerstattung",
    "ruckzahlung",
    "remboursement",
    "reembolso",
    "rimborso",
];

const REVERSALS: &[&str] = &[
    "reversal",
    "chargebackreversal",
    "chargebackreversed",
    "disputereversal",
    "refundreversal",
    "refundfailure",
];

const MOVEMENTS: &[&str] = &[
    "withdrawal",
    "generalwithdrawal",
    "userinitiatedwithdrawal",
    "autosweep",
    "payout",
    "payoutfailure",
    "transfer",
    "banktransferout",
    "fee",
    "fees",
    "stripefee",
    "networkcost",
    "adjustment",
    "currencyconversion",
    "generalcurrencyconversion",
    "userinitiatedcurrencyconversion",
    "accounthold",
    "accountholdforopenauthorization",
    "reversalofgeneralaccounthold",
    "hold",
    "reserve",
    "topup",
    "bankdeposittoppaccount",
    "abbuchung",
    "auszahlung",
    "virement",
    "retrait",
];

/// What a cell says; nothing where it is a payment, or not known.
pub(super) fn kind(cell: &str) -> Option<Kind> {
    let word = plain(cell);
    let is_in = |all: &[&str]| all.contains(&word.as_str());
    match () {
        () if is_in(REFUNDS) => Some(Kind::Refund),
        () if is_in(REVERSALS) => Some(Kind::Reversal),
        () if is_in(MOVEMENTS) => Some(Kind::Movement),
        () => None,
    }
}
