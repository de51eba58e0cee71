select "version", "statuses" from "seat_map_snapshots" where "show_id" = $1;

update "seat_map_snapshots" set "version" = $1, "as_of" = $2, "statuses" = $3, "available" = $4 where "show_id" = $5 and "version" = $6;

select pg_notify($1, $2);
