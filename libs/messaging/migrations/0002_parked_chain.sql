-- Parked events as an operator looks at them: each with its place in the chain of its aggregate on its topic, which is
-- retried in order.
CREATE VIEW parked_chain AS
SELECT p.*,
       -- The first of the chain, which it waits behind; null if it is that itself, or is parked no longer.
       CASE WHEN head.id < p.id THEN head.id END AS behind,
       -- Those that wait behind the first of a chain, in order.
       CASE WHEN head.id = p.id THEN ARRAY(
           SELECT f.id FROM parked_event f
           WHERE f.state = 'parked' AND f.consumer = p.consumer AND f.topic = p.topic AND f.aggregate_id = p.aggregate_id
             AND f.id > p.id
           ORDER BY f.id
       ) ELSE '{}' END AS followers
FROM parked_event p CROSS JOIN LATERAL (
    SELECT min(c.id) AS id FROM parked_event c
    WHERE p.state = 'parked'
      AND c.state = 'parked' AND c.consumer = p.consumer AND c.topic = p.topic AND c.aggregate_id = p.aggregate_id
) head;
