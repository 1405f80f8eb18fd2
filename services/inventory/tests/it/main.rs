//! Integration tests of `inventory` against real PostgreSQL and Kafka.
