# shellcheck shell=bash
# Jetty 9.4, stopped gracefully and started again: see README.md.

peer_title() { echo "Jetty 9: restart"; }

peer_install() { "$root/tests/packages.sh" peer_jetty; }

peer_start() {
  jetty_home=$scratch/jetty
  mkdir -p "$jetty_home"
  free_port
  jetty_port=$port
  cat >"$jetty_home/jetty.xml" <<END
<?xml version="1.0"?>
<!DOCTYPE Configure PUBLIC "-//Jetty//Configure//EN" "http://www.eclipse.org/jetty/configure_9_3.dtd">
<Configure id="Server" class="org.eclipse.jetty.server.Server">
  <Call name="addConnector"><Arg>
    <New class="org.eclipse.jetty.server.ServerConnector">
      <Arg name="server"><Ref refid="Server"/></Arg>
      <Set name="host">127.0.0.1</Set>
      <Set name="port">$jetty_port</Set>
      <Set name="idleTimeout">3600000</Set>
    </New>
  </Arg></Call>
  <Set name="handler">
    <New class="org.eclipse.jetty.server.handler.StatisticsHandler">
      <Set name="handler">
        <New class="org.eclipse.jetty.server.handler.ResourceHandler">
          <Set name="resourceBase">$1</Set>
        </New>
      </Set>
    </New>
  </Set>
  <Set name="stopAtShutdown">true</Set>
  <Set name="stopTimeout">5000</Set>
</Configure>
END
  jetty_run
}

jetty_run() {
  local name path=/usr/share/java/servlet-api.jar
  for name in util http io xml server; do
    path+=:/usr/share/java/jetty9-$name.jar
  done
  spawn "$jetty_home/log" java -cp "$path" org.eclipse.jetty.xml.XmlConfiguration "$jetty_home/jetty.xml"
  jetty_pid=$spawned
  wait_for_port "$jetty_port" "$jetty_pid" "$jetty_home/log"
}

# StatisticsHandler and stopTimeout are what Jetty needs to finish open requests before it stops.
peer_update() {
  stop_spawned "$jetty_pid"
  jetty_run
}

peer_stop() { stop_spawned "$jetty_pid"; }
