-- Page views, counted by day: nothing that identifies anyone is written at all.

create table page_view_days (
    site_id bigint not null,
    day text not null,
    page text not null,
    source text not null,
    medium text not null,
    campaign text not null,
    views bigint not null,
    visitors bigint not null,
    primary key (site_id, day, page, source, medium, campaign)
);
