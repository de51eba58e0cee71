select * from (select "movies".*, 1 - word_similarity($1, title)::double precision as "dissimilarity" from "movies" where $2 <% title and $3 = any(genres) and exists ((select "shows"."id" from "shows" inner join "theatres" on "theatres"."id" = "shows"."theatre_id" inner join "cities" on "cities"."id" = "theatres"."city_id" where shows.movie_id = movies.id and "shows"."cancelled_at" is null and "theatres"."city_id" = $4 and 
  shows.starts_at >= $5::date::timestamp at time zone 'UTC' - interval '14 hours'
  and shows.starts_at < $6::date::timestamp at time zone 'UTC' + interval '36 hours'
  and (shows.starts_at at time zone cities.zone)::date = $7::date))) as "movie" order by "dissimilarity", "title", "id" limit $8;
