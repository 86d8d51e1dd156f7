%% What an inets server asks for each request: reads the file. Its code is exchanged while it runs;
%% VERSION is given when it is compiled, so that the two versions differ.
-module(inets_handler).
-export([do/1, version/0]).
-include_lib("inets/include/httpd.hrl").

version() -> ?VERSION.

do(#mod{request_uri = Uri, config_db = Config}) ->
  {ok, Body} = file:read_file([httpd_util:lookup(Config, document_root), Uri]),
  Head = [{code, 200}, {content_type, "text/html"},
          {content_length, integer_to_list(byte_size(Body))}],
  {proceed, [{response, {response, Head, Body}}]}.
