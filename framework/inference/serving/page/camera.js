// A picture from the camera, which is on while the dialog is open.

const byId = (id) => document.getElementById(id);
const REASONS = {
  NotAllowedError: "Access to the camera was denied. Allow it for this page in the browser's settings, then try again.",
  NotFoundError: "No camera found. Choose a file instead.",
  NotReadableError: "The camera is in use by another program. Close it, then try again.",
};

export function setUpCamera(onPicture) {
  const dialog = byId("camera");
  const video = byId("video");
  const problem = byId("camera-problem");
  let waiting = false;

  async function open() {
    problem.hidden = true;
    if (waiting) return undefined; // for the user's permission
    if (!navigator.mediaDevices?.getUserMedia) {
      return fail("Browsers allow the camera on https:// and localhost only. Choose a file instead.");
    }
    waiting = true;
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" }, audio: false });
    } catch (error) {
      return fail(REASONS[error.name] ?? `The camera cannot be used: ${error.message}`);
    } finally {
      waiting = false;
    }
    dialog.showModal();
    return undefined;
  }

  function fail(reason) {
    problem.textContent = reason;
    problem.hidden = false;
  }

  function take() {
    if (!video.videoWidth) return; // no frame yet
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => {
      const time = new Date().toTimeString().slice(0, 8);
      onPicture(new File([blob], `camera ${time}.png`, { type: "image/png" }));
      dialog.close();
    }, "image/png");
  }

  byId("camera-open").addEventListener("click", open);
  byId("camera-take").addEventListener("click", take);
  byId("camera-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    for (const track of video.srcObject?.getTracks() ?? []) track.stop();
    video.srcObject = null;
  });
}
