# What can be set in RT_SiteConfig.pm of RT::Extension::CallLog's contacts and tickets,
# with what holds otherwise. (It is loaded like RT_Config.pm: do not edit it.)

# The calling code of the country in which users' phone numbers without one are, and
# what is dialled there before the number of another city (1: 1, 7: 8, 39: nothing,
# else 0).
Set($CallLogCountryCode, '1');
Set($CallLogTrunkPrefix, undef);

# Whether the widget offers the open tickets of a caller beside the caller: one that
# the agent picks gets the comment. (Of several contacts the widget picks none itself.)
Set($CallLogTicketContacts, 1);

# Whether a call is linked to the caller's only open ticket when the agent picked none.
Set($CallLogLinkOnlyTicket, 0);

# Where calls are read, for the pages of tickets and users and for comments: a
# connection string of libpq, of a user who has the role call_log_report. A password
# belongs into a .pgpass file. Empty: in RT's own database.
Set($CallLogReports, '');

1;
