//! `migrate --dev`.

use crate::house::{House, Neighbours};

use super::{execute, json, number};

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_drops_our_tables_alone_and_never_in_production() {
    for neighbours in [Neighbours::Real, Neighbours::Embedded] {
        let house = House::build(neighbours).await;
        assert!(house.run(&["migrate"], &[]).await.status.success());
        let service = house.service().ready().await;
        let (status, _) =
            service.post("/simulations", &serde_json::json!({"assessmentId": "nobody-knows"})).await;
        assert_eq!(status, 404, "Core Service is asked");
        let trader = house.book.passed().next().expect("a passed trader").assessment_id.clone();
        let (_, created) = service.post("/simulations", &serde_json::json!({"assessmentId": trader})).await;
        service.stop().await;
        let job = format!("/simulations/{}", created["jobId"].as_str().expect("an id"));

        let asked = house.run(&["migrate", "--dev"], &[]).await;
        assert_eq!(asked.status.code(), Some(2), "nobody is there to be asked");
        let refused = house.run(&["migrate", "--dev", "--yes"], &[("NODE_ENV", "production")]).await;
        assert_eq!(refused.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&refused.stderr).contains("NODE_ENV is production"));
        let service = house.service().ready().await;
        assert_eq!(service.get(&job).await["id"], created["jobId"], "nothing was dropped");
        service.stop().await;

        if neighbours == Neighbours::Real {
            execute(&house, "CREATE TABLE theirs AS SELECT 1 AS one").await;
        }
        for _ in 0..2 {
            let reset = house.run(&["migrate", "--dev", "--yes", "--json"], &[("NODE_ENV", "test")]).await;
            assert_eq!(reset.status.code(), Some(0), "{reset:?}");
            assert_eq!(json(&reset)["migrated"], true);
        }
        if neighbours == Neighbours::Real {
            assert_eq!(number(&house, "SELECT count(*) FROM theirs").await, 1);
        }
        let service = house.service().ready().await;
        service.answer(&job, 404).await;
        service.stop().await;
    }
}
