#!/bin/bash
# Starts one Flink process in the foreground, as process 1 of a container:
#   standalone-job [option...]   a JobManager that runs the job in /opt/flink/usrlib
#   taskmanager [option...]      a TaskManager
# Anything else is run as a command. The configuration is what is in /opt/flink/conf.
set -eu

role=${1:?"say what to start: standalone-job or taskmanager"}
shift

case $role in
    standalone-job | taskmanager)
        exec "$FLINK_HOME/bin/$role.sh" start-foreground "$@"
        ;;
    *)
        exec "$role" "$@"
        ;;
esac
