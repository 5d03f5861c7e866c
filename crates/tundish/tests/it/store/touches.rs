//! The rows of touches and of an owner's rules for them.

use model::channels::{Channel, Rule};
use model::ids::{ChannelRuleId, ContactId, TouchId};
use model::sources::{StoredTouch, Touch};
use model::{SiteId, UtcMs};
use store::{Db, StoreError};

const SITE: SiteId = SiteId(1);

fn touch(contact: i64, id: i64) -> StoredTouch {
    StoredTouch {
        contact_id: ContactId(contact),
        id: TouchId(id),
        is_first: true,
        channel: Channel::Other,
        touch: Touch::read(UtcMs(id), "/p/a?utm_source=xyz", None, &[]),
    }
}

testkit::both!(touches_are_walked_by_contact_and_given_another_channel, walked);

async fn walked(db: Db) {
    db.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            for (contact, id) in [(2, 5), (1, 9), (1, 7)] {
                store::touches::insert(tx, SITE, &touch(contact, id)).await?;
            }
            store::touches::insert(tx, SiteId(2), &touch(1, 7)).await?;
            let mut after = (ContactId(0), TouchId(0));
            let mut seen = Vec::new();
            loop {
                let page = store::touches::after(tx, SITE, after, 2).await?;
                let Some(last) = page.last() else { break };
                after = (last.contact_id, last.id);
                seen.extend(page.iter().map(|one| one.id.0));
            }
            assert_eq!(seen, [7, 9, 5]);
            store::touches::set_channel(tx, SITE, &touch(1, 9), Channel::PaidSocial).await?;
            let latest = store::touches::latest(tx, SITE, 2).await?;
            let latest: Vec<_> = latest.iter().map(|one| (one.id.0, one.channel)).collect();
            assert_eq!(latest, [(9, Channel::PaidSocial), (7, Channel::Other)]);
            Ok(())
        })
    })
    .await
    .unwrap();
}

testkit::both!(rules_keep_their_order_and_are_deleted, rules);

async fn rules(db: Db) {
    db.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            let rule = |id: i64, source: &str| {
                Rule::parse(ChannelRuleId(id), [source, "", "", ""], "display").unwrap()
            };
            let (first, second) = (rule(1, "a*"), rule(2, "b"));
            for rule in [&second, &first] {
                store::channel_rules::insert(tx, SITE, rule).await?;
            }
            assert_eq!(store::channel_rules::list(tx, SITE).await?, [first.clone(), second]);
            assert_eq!(store::channel_rules::delete(tx, SiteId(2), first.id).await?, 0);
            assert_eq!(store::channel_rules::delete(tx, SITE, first.id).await?, 1);
            assert_eq!(store::channel_rules::list(tx, SITE).await?.len(), 1);
            Ok(())
        })
    })
    .await
    .unwrap();
}
