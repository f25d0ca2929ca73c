// A host for NiiVue's notebook module, as anywidget's specification of such modules (AFM) describes one: a model with
// `get`, `set`, `on`, `off`, `save_changes` and `send`, one for the view and one for each volume.
class Model {
  constructor(values, others) {
    this.values = values;
    this.listeners = [];
    // No kernel listens: nothing is sent back to one.
    this._comm_live = false;
    this.widget_manager = { get_model: async (id) => others.get(id) };
  }

  get(name) {
    return this.values[name];
  }

  set(name, value) {
    this.values[name] = value;
    for (const [event, listener] of [...this.listeners]) if (event === `change:${name}`) listener();
  }

  on(event, listener) {
    this.listeners.push([event, listener]);
  }

  off(event, listener) {
    this.listeners = this.listeners.filter(([name, own]) => name !== event || (listener && own !== listener));
  }

  save_changes() {}

  send() {}

  send_sync_message() {}
}

const place = document.getElementById("niivue");
const state = document.getElementById("niivue-state");
const MULTIPLANAR = 3;
const RENDER_ALWAYS = 1;

function volume(id, url, values) {
  const nothing = { path: {}, data: null, paired_img_path: {}, paired_img_url: "", paired_img_data: null };
  return { ...nothing, id, url: new URL(url, location).href, name: `${id}.nii`, frame_4d: 0, colormap_negative: "", colormap_invert: false, colorbar_visible: false, colormap_type: 0, modulation_image: null, modulate_alpha: 0, ...values };
}

function lookup(colours) {
  const lut = [0, 0, 0, 0];
  for (let label = 1; label < 256; label++) lut.push(...colours[(label - 1) % colours.length], 255);
  return { lut, min: 0, max: 255, labels: [] };
}

async function show() {
  const { image, overlay, opacity, low, high, colours } = place.dataset;
  const models = new Map();
  models.set("image", new Model(volume("image", image, { colormap: "gray", opacity: 1, cal_min: Number(low), cal_max: Number(high) }), models));
  if (overlay) {
    const label = lookup(JSON.parse(colours));
    models.set("overlay", new Model(volume("overlay", overlay, { colormap: "gray", opacity: Number(opacity), colormap_label: label }), models));
  }
  const view = new Model(
    {
      height: Math.max(320, Math.min(innerHeight * 0.75, 800)),
      volumes: [...models.keys()].map((id) => `IPY_MODEL_${id}`),
      meshes: [],
      opts: { backColor: [0, 0, 0, 1], show3Dcrosshair: true, multiplanarShowRender: RENDER_ALWAYS, sliceType: MULTIPLANAR, isRadiologicalConvention: true, sagittalNoseLeft: true, crosshairWidth: 0.4, crosshairColor: [1, 0.84, 0.29, 0.7], loadingText: "" },
      background_masks_overlays: false,
      draw_opacity: 0.8,
      draw_fill_overwrites: true,
      overlay_outline_width: 0,
      overlay_alpha_shader: 1,
    },
    models,
  );
  const { default: widget } = await import("/niivue/widget.js");
  await widget.initialize({ model: view });
  await widget.render({ model: view, el: place });
  state.hidden = true;
  place.dataset.ready = "yes";
}

show().catch((error) => {
  state.classList.add("is-bad");
  state.textContent = `NiiVue cannot show this volume: ${error.message}`;
});
