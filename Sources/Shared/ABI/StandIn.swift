enum StandIn {}
