/* frame - puts the frame into the recorder page: the phone at ?phone=URL. */
'use strict';

const frame = document.createElement('iframe');
frame.src = new URLSearchParams(location.search).get('phone');
frame.title = 'Phone';
document.body.append(frame);
