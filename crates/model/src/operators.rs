//! Operators: who signs in, and what each role may do.

use crate::ids::OperatorId;
use crate::times::{DAY_MS, HOUR_MS, MINUTE_MS, UtcMs};
use crate::words::words;

/// A signed-in browser that was not used for this long is signed out (ASVS V7).
pub const SESSION_IDLE_MS: i64 = 8 * HOUR_MS;
/// A sign-in ends after this long, used or not.
pub const SESSION_MAX_MS: i64 = 30 * DAY_MS;
/// Time to type the code of the authenticator after the password.
pub const SECOND_STEP_MS: i64 = 10 * MINUTE_MS;
/// How long a link to choose a new password holds.
pub const RESET_MS: i64 = 30 * MINUTE_MS;
/// How long an invitation holds.
pub const INVITE_MS: i64 = 7 * DAY_MS;

words! {
    /// What an operator may do. Each role may do what those after it may.
    Role "role_unknown" {
        /// Everything, money and other owners included.
        Owner = "owner",
        /// Everything but owners.
        Admin = "admin",
        /// The daily work: pages, mails, products, contacts, orders.
        Editor = "editor",
        /// Looks, changes nothing.
        Viewer = "viewer",
    }
}

impl Role {
    /// Whether this role may do what `needed` may.
    pub fn may(self, needed: Self) -> bool {
        self <= needed
    }

    /// Whether this role signs in with a second step where sign-ins cross the internet.
    pub fn needs_second_step(self) -> bool {
        self.may(Self::Admin)
    }
}

words! {
    /// What a link sent to an operator lets them do.
    LinkKind "link_kind_unknown" {
        /// Sign in once: printed by the demo and by `operator link`.
        SignIn = "sign_in",
        /// Choose a new password.
        Reset = "reset",
        /// Accept an invitation and choose a password.
        Invite = "invite",
    }
}

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Their id.
    pub id: OperatorId,
    /// Their address, as typed.
    pub email: String,
    /// Their name; empty where they gave none.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Argon2id hash; `None` until an invitation is accepted.
    pub password_hash: Option<String>,
    /// What the authenticator app knows, sealed; `None` while there is no second step.
    pub totp_secret: Option<String>,
    /// The last time step that was used to sign in: no code works twice.
    pub totp_step: i64,
    /// Hashes of the recovery codes that are left.
    pub recovery_codes: Vec<String>,
    /// May not sign in any more.
    pub disabled: bool,
    /// When they were made.
    pub created_at: UtcMs,
    /// When they last signed in.
    pub signed_in_at: Option<UtcMs>,
}

impl Operator {
    /// Their name, or their address where they gave none.
    pub fn shown_name(&self) -> &str {
        if self.name.trim().is_empty() { &self.email } else { &self.name }
    }

    /// Whether a code is asked for after the password.
    pub fn has_second_step(&self) -> bool {
        self.totp_secret.is_some()
    }
}

words! {
    /// How far a sign-in has come.
    Stage "stage_unknown" {
        /// The password was right; the code is still to come.
        Code = "code",
        /// Signed in.
        Full = "full",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_those_after_it_may() {
        assert!(Role::Owner.may(Role::Admin) && Role::Admin.may(Role::Editor));
        assert!(Role::Editor.may(Role::Viewer) && !Role::Viewer.may(Role::Editor));
        assert!(!Role::Admin.may(Role::Owner));
        assert!(Role::Admin.needs_second_step() && !Role::Editor.needs_second_step());
    }
}
