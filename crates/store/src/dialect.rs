//! The few statements that must differ between SQLite and PostgreSQL. Budget: ten.

/// One statement in both dialects.
#[derive(Debug, Clone, Copy)]
pub struct Both {
    /// For SQLite.
    pub sqlite: &'static str,
    /// For PostgreSQL.
    pub postgres: &'static str,
}

/// The database's own clock in UTC milliseconds: for leases only, since nodes' clocks differ. On
/// SQLite there is one process, whose clock is a parameter.
pub const DB_NOW: &str =
    "select cast(floor(extract(epoch from clock_timestamp()) * 1000) as bigint)";

/// Which PostgreSQL cluster this is, its timeline and how far it has written.
pub const CLUSTER: &str = "select cast(system_identifier as text),
    substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
    cast(pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as bigint) from pg_control_system()";
/// How many servers follow this PostgreSQL, and which of them a commit waits for.
pub const FOLLOWERS: &str = "select (select count(*) from pg_stat_replication),
    current_setting('synchronous_standby_names')";

/// The text of a migration as SQLite wants it: small tables without a second tree, and closed
/// lists of words spelled out (`a = 'x' or a = 'y'`). A list behind `in` is made a table anew for
/// each row that is written, and an index `where state in (…)` is not seen to hold the rows
/// `where state = 'x'`.
pub fn ddl_for_sqlite(text: &str) -> String {
    let text = text.replace("/* sqlite: without rowid */", "without rowid");
    let text = text.replace("bigint not null /* sqlite: rowid */", "integer primary key");
    let mut spelled = String::with_capacity(text.len() * 2);
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once(" in ('") {
        let Some((list, left)) = after.split_once("')") else { break };
        let (kept, column) = before.rsplit_once([' ', '(', '\n']).unwrap_or(("", before));
        spelled.push_str(kept);
        spelled.push_str(before.get(kept.len()..before.len() - column.len()).unwrap_or_default());
        let words = list.split(',').map(|word| word.trim().trim_matches('\''));
        let each: Vec<String> = words.map(|word| format!("{column} = '{word}'")).collect();
        spelled.push_str(&format!("({})", each.join(" or ")));
        rest = left;
    }
    spelled + rest
}

/// The same as PostgreSQL wants it: with what stands in comments for it alone.
pub fn ddl_for_postgres(text: &str) -> String {
    let mut pieces = text.split("/* postgres: ");
    let mut own = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (inside, after) = piece.split_once(" */").unwrap_or((piece, ""));
        own.push_str(inside);
        own.push_str(after);
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_list_is_spelled_out_for_sqlite() {
        let text = "kind text not null check (kind in ('a',\n    'b c')),\nstate text";
        let spelled = "kind text not null check ((kind = 'a' or kind = 'b c')),\nstate text";
        assert_eq!(ddl_for_sqlite(text), spelled);
    }

    #[test]
    fn each_database_gets_what_is_its_own() {
        let text = "id bigint not null /* sqlite: rowid */;\n/* postgres: create x; */\nend";
        assert!(ddl_for_sqlite(text).starts_with("id integer primary key;"));
        let own = "id bigint not null /* sqlite: rowid */;\ncreate x;\nend";
        assert_eq!(ddl_for_postgres(text), own);
    }
}
