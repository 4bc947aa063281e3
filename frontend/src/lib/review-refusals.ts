/** Why a review was not taken: what the server writes → key below `server.review`. */
export const REVIEW_REFUSALS: [pattern: string, key: string][] = [
  ["The reading has changed since you looked at it\\.", "stale"],
  ["The reading that you edit has changed since: begin the edit again from its new state\\.", "editStale"],
  ["Another reviewer's edit of this reading was submitted first\\.", "editedFirst"],
  ["A reviewer's edit of this reading was submitted and has taken its place\\.", "edited"],
  ["You are no longer a reviewer here: your edit cannot take another's place\\.", "noReviewer"],
  ["A blinded reading stays as it was submitted once it has been reviewed\\.", "reviewedBlinded"],
  ["You have a reading of your own in this case: agree, or send this one back\\.", "ownReading"],
  ["A blinded reading stays as it was submitted: a comment on it would unblind its reader\\.", "blinded"],
  ["Its reader is no longer a member of this project: nobody would get it back\\.", "left"],
  ["No such reading\\.", "none"],
];
