%% What a client of a gen_server notices while sys:change_code converts its map.
-module(stall).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2, code_change/3]).

init(N) -> {ok, maps:from_list([{K, {0}} || K <- lists:seq(0, N - 1)])}.

handle_call({add, K}, _, Accounts) ->
  case maps:get(K, Accounts) of
    {A} -> {reply, A + 1, Accounts#{K := {A + 1}}};
    {Cents, Currency} -> {reply, Cents div 100 + 1, Accounts#{K := {Cents + 100, Currency}}}
  end.

handle_cast(_, Accounts) -> {noreply, Accounts}.

code_change(forward, Accounts, _) ->
  {ok, maps:map(fun(_, {A}) -> {A * 100, 978} end, Accounts)};
code_change(back, Accounts, _) ->
  {ok, maps:map(fun(_, {Cents, _}) -> {Cents div 100} end, Accounts)}.

client(Server, N, Owner, Longest) ->
  receive
    {forget, From} -> From ! forgotten, client(Server, N, Owner, 0);
    {longest, From} -> From ! {longest, Longest}, client(Server, N, Owner, Longest);
    stop -> ok
  after 0 ->
    Began = erlang:monotonic_time(microsecond),
    _ = gen_server:call(Server, {add, rand:uniform(N) - 1}, infinity),
    Took = erlang:monotonic_time(microsecond) - Began,
    client(Server, N, Owner, max(Longest, Took))
  end.

update(Server, Client, Way) ->
  Client ! {forget, self()},
  receive forgotten -> ok end,
  ok = sys:suspend(Server, infinity),
  ok = sys:change_code(Server, ?MODULE, Way, [], infinity),
  ok = sys:resume(Server, infinity),
  timer:sleep(1000),
  Client ! {longest, self()},
  receive {longest, Longest} -> Longest end.

%% Entries, updates, name of the figure.
main([Entries, Updates, Figure]) ->
  N = list_to_integer(Entries),
  {ok, Server} = gen_server:start(?MODULE, N, [{timeout, infinity}]),
  Self = self(),
  Client = spawn_link(fun() -> client(Server, N, Self, 0) end),
  timer:sleep(500),
  lists:foreach(fun(I) ->
    Way = case I rem 2 of 1 -> forward; 0 -> back end,
    io:format("~s ~p~n", [Figure, update(Server, Client, Way) / 1000])
  end, lists:seq(1, list_to_integer(Updates))),
  Client ! stop,
  halt(0).
