select "seat_map_snapshots"."version", "as_of", "statuses", "seating_plan_id" from "seat_map_snapshots" inner join "shows" on "shows"."id" = "seat_map_snapshots"."show_id" where "show_id" = $1;
