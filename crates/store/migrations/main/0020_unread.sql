-- What nobody reads.
alter table score_states drop column updated_at;
alter table channel_rules drop column created_at;
alter table contact_chances drop column at;
