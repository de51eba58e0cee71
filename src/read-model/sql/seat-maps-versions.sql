select "show_id", "version" from "seat_map_snapshots" where "show_id" = any($1::text[]);
