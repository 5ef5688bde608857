//! The database goes away and comes back.

use std::time::Duration;

use futures::future::join_all;
use monte_carlo_service::store::{Store, StoreError, StoreOptions, open};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::fixtures::{claim, claim_one, completed, insert, request};
use crate::world::{Kind, World};

/// Beyond the store's own bound on waiting for a connection.
const BOUND: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cut_connection_is_made_anew() {
    for kind in [Kind::ReadCommitted, Kind::Serializable] {
        let world = World::new(kind).await;
        world
            .see(async {
                for name in ["a", "b", "c"] {
                    insert(&*world.store, &[name]).await;
                    cut(&world).await;
                    let claimed = claim_one(&*world.store).await;
                    cut(&world).await;
                    let done = completed(&claimed, &serde_json::json!({}));
                    world.store.settle(&claimed.lease, &done).await.expect("settles over a new connection");
                    cut(&world).await;
                    world.store.job(&claimed.lease.job).await.expect("reads").expect("is there");
                    cut(&world).await;
                }
            })
            .await;
    }
}

/// A connection that was just used is not asked first whether it is there: one that breaks has the others asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn when_all_connections_are_cut_the_next_call_needs_only_one_more() {
    let world = World::new(Kind::ReadCommitted).await;
    world
        .see(async {
            for name in ["a", "b", "c"] {
                insert(&*world.store, &[name]).await;
                let claimed = claim_one(&*world.store).await;
                let pings = join_all((0..8).map(|_| world.store.ping())).await;
                assert!(pings.iter().all(Result::is_ok), "{pings:?}");
                cut(&world).await;
                let done = completed(&claimed, &serde_json::json!({}));
                world.store.settle(&claimed.lease, &done).await.expect("settles over a new connection");
            }
        })
        .await;
}

async fn cut(world: &World) {
    world
        .number(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_is_down_is_said_to_be_down_and_found_again() {
    let world = World::new(Kind::ReadCommitted).await;
    world
        .see(async {
            let reserved = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let door = reserved.local_addr().expect("an address");
            drop(reserved);
            let (server, name) = server_of(&world.url);
            let url = format!("postgres://postgres:hunter2@{door}/{name}");
            let store = open(&url, &StoreOptions::default()).expect("nothing is connected yet");
            for outcome in [store.ping().await, store.migrate().await, store.is_migrated().await.map(|_| ())]
            {
                assert_says_so(outcome);
            }
            let started = timeout(BOUND, store.ping()).await.expect("within its bound");
            assert_says_so(started);
            let listener = TcpListener::bind(door).await.expect("the port again");
            let proxy = tokio::spawn(serve(listener, server));
            store.ping().await.expect("found again");
            assert!(store.is_migrated().await.expect("answers"));
            assert_eq!(claim(&store, 1).await, []);
            proxy.abort();
            assert_says_so(timeout(BOUND, gone(&store)).await.expect("within its bound"));
        })
        .await;
}

/// As it does where the disk is full.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_whose_transaction_sqlite_itself_rolled_back_is_written_to_again() {
    let world = World::new(Kind::Sqlite).await;
    world
        .see(async {
            insert(&*world.store, &["a"]).await;
            world
                .execute(
                    "CREATE TRIGGER full BEFORE UPDATE ON simulation_jobs BEGIN SELECT RAISE(ROLLBACK, 'full'); END",
                )
                .await;
            world.store.claim(request(1)).await.expect_err("it is rolled back");
            world.execute("DROP TRIGGER full").await;
            claim_one(&*world.store).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_statement_behind_a_lock_ends_by_the_servers_limit() {
    let world = World::new(Kind::ReadCommitted).await;
    world
        .see(async {
            let job = insert(&*world.store, &["a"]).await.remove(0);
            let options =
                StoreOptions { statement_timeout: Duration::from_millis(100), ..StoreOptions::default() };
            let store = open(&world.url, &options).expect("our own URL");
            let mut rival = world.postgres().await;
            let hold = "BEGIN; LOCK TABLE simulation_jobs IN ACCESS EXCLUSIVE MODE";
            sqlx::Executor::execute(&mut rival, hold).await.expect("holds the table");
            let behind = timeout(BOUND, store.job(&job)).await.expect("the server ends it");
            let Err(StoreError::Unavailable(why)) = behind else { panic!("{behind:?}") };
            assert!(why.contains("statement timeout"), "{why}");
            let behind = timeout(BOUND, store.claim(request(1))).await.expect("in a transaction too");
            assert!(matches!(behind, Err(StoreError::Unavailable(_))), "{behind:?}");
            sqlx::Executor::execute(&mut rival, "ROLLBACK").await.expect("lets it go");
            assert_eq!(claim(&store, 1).await.len(), 1, "the connection is as good as before");
        })
        .await;
}

/// What the store says once it has noticed; a ping on its way may still get through.
async fn gone(store: &dyn Store) -> Result<(), StoreError> {
    loop {
        store.ping().await?;
        tokio::task::yield_now().await;
    }
}

fn assert_says_so(outcome: Result<(), StoreError>) {
    let Err(StoreError::Unavailable(why)) = outcome else { panic!("{outcome:?}") };
    assert!(!why.contains("hunter2"), "{why}");
}

fn server_of(url: &str) -> (String, String) {
    let (rest, name) = url.rsplit_once('/').expect("our own URL");
    let server = rest.rsplit_once(['@', '/']).expect("our own URL").1;
    (server.to_owned(), name.to_owned())
}

/// Hands every connection on to the server, until it is aborted, with all that it carries.
async fn serve(listener: TcpListener, server: String) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        let server = server.clone();
        connections.spawn(async move {
            let mut behind = TcpStream::connect(server).await?;
            tokio::io::copy_bidirectional(&mut client, &mut behind).await
        });
    }
}
