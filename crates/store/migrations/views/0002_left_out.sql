-- Page views that were not counted, by day and by why: of those who are no people nothing else is
-- kept.

create table view_left_out_days (
    site_id bigint not null,
    day text not null,
    reason text not null check (reason = 'agent' or reason = 'headers' or reason = 'ahead'
        or reason = 'head' or reason = 'haste' or reason = 'spam'),
    views bigint not null,
    primary key (site_id, day, reason)
);
