use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// `fleet servers run --private -- sh -c <script>`.
fn run_with_servers(script: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleet"));
    command.args(["servers", "run", "--private", "--", "sh", "-c", script]);
    command.env_remove("TRADEWIND_DATABASE_URL").env_remove("TRADEWIND_KAFKA_BROKERS");
    command
}

/// Starts it, with a script that first prints a line, and waits for that line: then both servers run.
fn start_and_wait_for_line(script: &str) -> Child {
    let mut fleet = run_with_servers(script).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(fleet.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "started\n");
    fleet
}

fn children_of(pid: u32) -> Vec<u32> {
    // One folder a thread; a thread other than the main one forks the servers.
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let lists = threads.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("children")).unwrap());
    lists.flat_map(|list| list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>()).collect()
}

fn assert_all_end(pids: &[u32]) {
    let deadline = Instant::now() + Duration::from_secs(10);
    for pid in pids {
        while Path::new("/proc").join(pid.to_string()).exists() {
            assert!(Instant::now() < deadline, "process {pid} outlived the fleet");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn the_exit_code_of_the_command_comes_back() {
    let status =
        run_with_servers(r#"test -n "$TEST_DATABASE_URL" && test -n "$TEST_KAFKA_BROKERS" && exit 3"#).status();
    assert_eq!(status.unwrap().code(), Some(3));
}

#[test]
fn killing_the_fleet_leaves_no_process_behind() {
    let mut fleet = start_and_wait_for_line("echo started; exec sleep 600");
    let children = children_of(fleet.id());
    assert_eq!(children.len(), 3, "postgres, kafka and the command");
    fleet.kill().unwrap();
    fleet.wait().unwrap();
    assert_all_end(&children);
}

#[test]
fn sigterm_stops_the_command_and_then_the_servers() {
    let mut fleet = start_and_wait_for_line("echo started; exec sleep 600");
    let children = children_of(fleet.id());
    kill(Pid::from_raw(fleet.id().cast_signed()), Signal::SIGTERM).unwrap();
    assert_eq!(fleet.wait().unwrap().code(), Some(128 + Signal::SIGTERM as i32));
    assert_all_end(&children);
}
