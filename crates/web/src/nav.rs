//! The operator's way through the product, in the order of the process it runs.

use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

/// One heading of the side bar and the pages under it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Group {
    /// What a page names as its `section` when it is the group's own page.
    pub key: &'static str,
    /// What people read.
    pub label: &'static str,
    /// A name in `assets/icons.svg`.
    pub icon: &'static str,
    /// Where it leads; groups with pages lead to their first.
    pub href: &'static str,
    /// The pages under it; empty where the group is one page.
    pub items: &'static [Item],
}

/// One page of a group.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Item {
    /// What a page names as its `section`.
    pub key: &'static str,
    /// What people read.
    pub label: &'static str,
    /// Where it leads.
    pub href: &'static str,
    /// A word above it, where a new part of a long group begins; else empty.
    pub word: &'static str,
}

const fn item(key: &'static str, label: &'static str, href: &'static str) -> Item {
    Item { key, label, href, word: "" }
}

/// The same, under a word of its own.
const fn under(word: &'static str, item: Item) -> Item {
    Item { word, ..item }
}

/// The side bar.
pub const GROUPS: &[Group] = &[
    Group { key: "today", label: "Today", icon: "sun", href: "/admin", items: &[] },
    Group {
        key: "leads",
        label: "Leads",
        icon: "magnet",
        href: "/admin/forms",
        items: &[
            item("forms", "Forms", "/admin/forms"),
            item("magnets", "Magnets", "/admin/magnets"),
            item("imports", "Imports", "/admin/imports"),
            item("sources", "Sources", "/admin/sources"),
        ],
    },
    Group {
        key: "follow-up",
        label: "Follow-up",
        icon: "send",
        href: "/admin/sequences",
        items: &[
            item("sequences", "Sequences", "/admin/sequences"),
            item("templates", "Templates", "/admin/templates"),
            item("messages", "Messages", "/admin/messages"),
            item("topics", "Topics", "/admin/topics"),
        ],
    },
    Group {
        key: "qualify",
        label: "Qualify",
        icon: "target",
        href: "/admin/scores",
        items: &[item("scores", "Scores", "/admin/scores")],
    },
    Group {
        key: "sell",
        label: "Sell",
        icon: "store",
        href: "/admin/pages",
        items: &[
            item("pages", "Pages", "/admin/pages"),
            item("products", "Products", "/admin/products"),
            item("offers", "Offers", "/admin/offers"),
            item("paths", "Paths", "/admin/paths"),
            item("coupons", "Coupons", "/admin/coupons"),
            item("orders", "Orders", "/admin/orders"),
        ],
    },
    Group {
        key: "grow",
        label: "Grow",
        icon: "trending-up",
        href: "/admin/catalogue",
        items: &[
            item("catalogue", "Catalogue", "/admin/catalogue"),
            item("also-bought", "Also bought", "/admin/also-bought"),
            item("referrals", "Referrals", "/admin/referrals"),
        ],
    },
    Group {
        key: "numbers",
        label: "Numbers",
        icon: "chart-column",
        href: "/admin/numbers/stages",
        items: &[
            under("How they come", item("stages", "Stages", "/admin/numbers/stages")),
            item("steps", "Steps", "/admin/numbers/steps"),
            under("What it brings", item("revenue", "Revenue", "/admin/numbers/revenue")),
            item("spend", "Spend", "/admin/numbers/spend"),
            item("cac", "CAC & payback", "/admin/numbers/payback"),
            item("roads", "Roads", "/admin/numbers/roads"),
            item("attribution", "Attribution", "/admin/numbers/attribution"),
            item("value", "Lifetime value", "/admin/numbers/value"),
            item("simulator", "What if", "/admin/numbers/simulator"),
            under("Who they are", item("cohorts", "Cohorts", "/admin/numbers/cohorts")),
            item("rfm", "RFM", "/admin/numbers/rfm"),
            under(
                "Whether it is true",
                item("reconciliation", "Reconciliation", "/admin/numbers/reconciliation"),
            ),
        ],
    },
    Group {
        key: "deliverability",
        label: "Deliverability",
        icon: "mail-check",
        href: "/admin/caught",
        items: &[
            item("caught", "Caught mail", "/admin/caught"),
            item("sending", "Sending", "/admin/sending"),
        ],
    },
    Group {
        key: "contacts",
        label: "Contacts",
        icon: "users",
        href: "/admin/contacts",
        items: &[
            item("contacts", "Contacts", "/admin/contacts"),
            item("segments", "Segments", "/admin/segments"),
        ],
    },
    Group {
        key: "settings",
        label: "Settings",
        icon: "settings",
        href: "/admin/settings",
        items: &[],
    },
];

/// The side bar for the layout: `nav()`.
pub(crate) fn value() -> Value {
    Value::from(Serde(GROUPS))
}
