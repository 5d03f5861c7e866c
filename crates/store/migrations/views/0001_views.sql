-- Page views: no declared key on the hot table; nothing stored that identifies anyone.

create table page_views (
    at bigint not null,
    site_id bigint not null,
    page text not null,
    visitor text not null,
    source text not null,
    medium text not null,
    campaign text not null,
    referrer_host text not null
);

create table page_view_days (
    site_id bigint not null,
    day text not null,
    page text not null,
    source text not null,
    medium text not null,
    views bigint not null,
    visitors bigint not null,
    primary key (site_id, day, page, source, medium)
);
