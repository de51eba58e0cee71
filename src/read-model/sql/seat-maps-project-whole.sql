insert into "seat_map_snapshots" ("show_id", "total", "version", "as_of", "statuses", "available") values ($1, $2, $3, $4, $5, $6) on conflict ("show_id") do update set "version" = $7, "as_of" = $8, "statuses" = $9, "available" = $10 where "seat_map_snapshots"."version" < $11 returning "version";

select pg_notify($1, $2);
