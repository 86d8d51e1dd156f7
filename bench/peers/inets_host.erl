%% An inets server on a loopback port. Each line of standard input is a folder: the handler is loaded
%% from there, and "loaded VERSION" printed once it is the one that runs.
-module(inets_host).
-export([main/1]).

%% Port, folder that is served, folder for the server's own files.
main([Port, Root, Home]) ->
  ok = inets:start(),
  {ok, _} = inets:start(httpd, [
    {port, list_to_integer(Port)}, {bind_address, {127, 0, 0, 1}}, {server_name, "localhost"},
    {server_root, Home}, {document_root, Root}, {modules, [inets_handler]},
    {keep_alive, true}, {keep_alive_timeout, 3600}, {max_clients, 1000}]),
  load_lines().

load_lines() ->
  case io:get_line("") of
    Line when is_list(Line) ->
      Folder = string:trim(Line),
      true = code:add_patha(Folder),
      _ = code:purge(inets_handler),
      {module, inets_handler} = code:load_file(inets_handler),
      true = code:del_path(Folder),
      io:format("loaded ~p~n", [inets_handler:version()]),
      load_lines();
    _ -> halt(0)
  end.
